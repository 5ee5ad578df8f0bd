"""From `make run` (installed) to the painted page, to another model, and the web process's memory.

cold    the first browser at a server that has just come up
warm    another new browser, which has to load Streamlit's scripts too
again   the same browser once more
plain   a new browser at a plain Streamlit page of 62 checkboxes, which has been opened once: the peer of `warm`

whole   from asking for the page to its last chart and the button that trains, in that new browser

All but the first take turns, and are medians of five. A clock in the page stops after the frame that shows it.

    python tests/benchmarks/start.py

Starts the server three times, the first time in an empty home; two minutes on a quiet machine.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from freezecore.machine import status_bytes  # noqa: E402
from tests.benchmarks.tick import BARE, page_server  # noqa: E402
from tests.browser.chromium import find  # noqa: E402

BOXES = 62
TIMES = 3
ROUNDS = 5
CLOCK = """(() => {
  const rooms = () => [...document.querySelectorAll(".st-key-layers *, .st-key-charts *")].map((one) => one.shadowRoot);
  const inside = (selector) => rooms().some((room) => room?.querySelector(selector));
  const parts = {
    tree: () => inside("[role=treeitem]"),
    whole: () => inside(".curve") && document.querySelector(".st-key-start button"),
    boxes: () => document.querySelectorAll("input[type=checkbox]").length >= BOXES,
  };
  window.shown = {};
  const frame = () => {
    for (const [name, isThere] of Object.entries(parts)) {
      if (!(name in shown) && isThere()) {
        shown[name] = null;
        requestAnimationFrame(() => (shown[name] = performance.now()));
      }
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})();""".replace("BOXES", str(BOXES))
GOALS = {"cold_s": 5.0, "warm_s": 2.0, "switch_s": 1.0, "web_bytes": 400_000_000}


def main() -> None:
    """Print one JSON document: each start's seconds to the painted tree, and resident bytes."""
    with tempfile.TemporaryDirectory() as home:
        runs = [one_start(home) for _ in range(TIMES)]
    document = {
        "command": "python tests/benchmarks/start.py",
        "machine": f"{os.uname().machine}, {os.cpu_count()} cores",
        "load_average": os.getloadavg()[0],
        "goals": GOALS,
        "runs": runs,
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document))


def one_start(home: str) -> dict:
    """Start the server and a browser; the first start of a home also reads and traces the default model."""
    port = free_port()
    began = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "FREEZE_EXPLORER_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        listening = until_listening(port) - began
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox", "--disable-gpu"])
            page = f"http://127.0.0.1:{port}/"
            cold, *_ = seconds_to_page(browser, page)
            with page_server(Path(home), BARE) as (address, _):
                boxes = f"{address}/?boxes={BOXES}"
                seconds_to(browser, boxes, ["boxes"])
                rounds = [
                    (*seconds_to_page(browser, page), *seconds_to(browser, boxes, ["boxes"])) for _ in range(ROUNDS)
                ]
            warm, whole, again, plain = map(median, zip(*rounds, strict=True))
            switch = seconds_to_switch(browser, port)
            browser.close()
        times = {
            "listening_s": listening,
            "cold_s": cold,
            "warm_s": warm,
            "again_s": again,
            "switch_s": switch,
            "whole_s": whole,
        }
        times |= {"plain_s": plain, "warm_ratio": warm / plain}
        return {**times, "web_bytes": status_bytes(f"/proc/{server.pid}/status", "VmRSS:")}
    finally:
        server.terminate()
        server.wait(timeout=20)


def seconds_to_page(browser, address: str) -> list[float]:
    """Seconds to the tree's first row and to the whole page, in a new browser, and to that row in it once more."""
    return seconds_to(browser, address, ["tree", "whole"], ["tree"])


def seconds_to(browser, address: str, *visits: list[str]) -> list[float]:
    """Seconds from asking for a page to the frames that show these parts of it, visit by visit of one new browser."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(CLOCK)
    page = context.new_page()
    seconds = []
    for parts in visits:
        page.goto(address)
        page.wait_for_function("parts => parts.every((part) => shown[part])", arg=parts, polling=200, timeout=120_000)
        seconds += [page.evaluate("part => shown[part]", part) / 1000 for part in parts]
    context.close()
    return seconds


def seconds_to_switch(browser, port: int) -> float:
    """Seconds from a click on a model of the gallery that was opened before to the first row of its tree."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    for model, first_row in (("ResNet-18", "conv1"), ("EfficientNet-Lite0", "conv_stem")):
        page.get_by_role("button", name=model).wait_for(timeout=120_000)
        began = time.perf_counter()
        page.get_by_role("button", name=model).click()
        page.get_by_role("treeitem", name=re.compile(rf"^{first_row}\b")).wait_for(timeout=120_000)
        seconds = time.perf_counter() - began
    context.close()
    return seconds


def until_listening(port: int) -> float:
    """The moment at which the server answers."""
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return time.perf_counter()
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


if __name__ == "__main__":
    main()
