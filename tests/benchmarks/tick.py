"""How soon a tick is answered: the box painted, the numbers, the charts and the rules on screen, and bytes moved.

    python tests/benchmarks/tick.py [--ticks 40] [--held 80] [--only resnet18] [--alone] [--write tick.json]

Starts the real page, opens resnet18 (62 parameters) and a BERT of 312 narrow layers (5,000 parameters), waits until
their costs are known, and ticks rows with the mouse in a real Chromium. As a peer, a bare Streamlit page of one
checkbox and one metric is ticked before each of them, so that another program's load meets both: `ratios` has each time
of the page's as many times the bare page's new metric. A clock starts at the press's own time stamp and stops after the
frame that shows the change. The button is let go at once, or after `--held` milliseconds, as a hand does: a box of the
tree answers the press, one of Streamlit's the letting go. With `--alone` the tree stands on a page of its own beside
one figure that follows it, at 62 and 5,001 parameters: what the component itself takes.
Server, browser and clock share one machine and its loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from tests.answering import wait_until_answering  # noqa: E402
from tests.browser.chromium import find  # noqa: E402

NARROW_BERT = {
    "model_type": "bert",
    "num_hidden_layers": 312,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "vocab_size": 1000,
}
WARM_UP = 5
REST_MS = 900
READY_S = 600


APPS = ROOT / "tests" / "browser" / "apps"
ALONE, BARE = APPS / "tree_app.py", APPS / "bare_app.py"


@contextmanager
def page_server(folder: Path, script: Path | None = None) -> Iterator[tuple[str, int]]:
    """The app on a free port, allowed to open models in `folder`, or a page of its own; and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "FREEZE_EXPLORER_HOME": str(folder / "home"), "FREEZE_EXPLORER_FOLDER": str(folder)}
    command = [sys.executable, "-m", "app", "--port", str(port)]
    if script:
        command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
        command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_until_answering(f"http://127.0.0.1:{port}/_stcore/health", READY_S)
            yield f"http://127.0.0.1:{port}", server.pid
        finally:
            os.killpg(server.pid, 15)
            server.wait(30)


class Bare:
    """A plain Streamlit page of one checkbox and one metric, ticked between the other's ticks under the same load."""

    def __init__(self, page: Page, address: str, held: float) -> None:
        page.goto(address)
        page.locator("[data-testid=stMetricValue]").wait_for(timeout=READY_S * 1000)
        page.wait_for_timeout(3000)
        self.page, self.held, self.times = page, held, []

    def tick(self, counts: bool) -> None:
        """Milliseconds from a press on the checkbox to the new metric, kept where it counts."""
        self.page.bring_to_front()
        self.page.locator("[data-testid=stCheckbox] label").click(delay=self.held)
        self.page.wait_for_timeout(REST_MS)
        self.page.locator("[data-test-script-state=notRunning]").wait_for()
        if counts and (elapsed := self.page.evaluate("tickTimes()")["numbers"]) is not None:
            self.times.append(elapsed)


def measure(page: Page, address: str, model: str, ticks: int, alone: bool, bare: Bare) -> dict:
    """Tick rows of one model in turn; distributions of every part's answer in milliseconds, and bytes per tick."""
    moved = {"down": 0, "up": 0}

    def listen(wire) -> None:
        wire.on("framereceived", lambda frame: moved.__setitem__("down", moved["down"] + len(frame)))
        wire.on("framesent", lambda frame: moved.__setitem__("up", moved["up"] + len(frame)))

    def answered(response) -> None:
        if response.url.endswith("/tick"):
            moved["down"] += int(response.headers.get("content-length", 0))
            moved["up"] += len(response.request.post_data or "")

    page.on("websocket", listen)
    page.on("response", answered)
    page.goto(f"{address}/?{'tree' if alone else 'model'}={model}")
    page.get_by_role("tree", name="Layers").wait_for(timeout=READY_S * 1000)
    if not alone:
        page.locator(".charts .curve").wait_for(timeout=READY_S * 1000)  # the depth curve comes last
    page.wait_for_timeout(3000)
    boxes = page.get_by_role("treeitem").locator(".box")
    visible = min(boxes.count(), 8)
    times: dict[str, list[float]] = {}
    bytes_down, bytes_up = [], []
    for i in range(WARM_UP + ticks):
        bare.tick(counts=i >= WARM_UP)
        page.bring_to_front()
        moved.update(down=0, up=0)
        boxes.nth(i * 3 % visible).click(delay=bare.held)
        page.wait_for_timeout(REST_MS)
        page.locator("[data-test-script-state=notRunning]").wait_for()
        seen = page.evaluate("tickTimes()")
        if i < WARM_UP:
            continue
        bytes_down.append(moved["down"])
        bytes_up.append(moved["up"])
        for part, elapsed in seen.items():
            if elapsed is not None:
                times.setdefault(part, []).append(elapsed)
    total = page.locator("section.tree .sum .m").inner_text()
    return {
        "model": model.rpartition("/")[2],
        "scalars": total,
        "bare": _spread(bare.times),
        "ms": {part: _spread(values) for part, values in times.items()},
        "bytes_down": _spread(bytes_down),
        "bytes_up": _spread(bytes_up),
    }


@contextmanager
def window(chromium: Browser) -> Iterator[Page]:
    """A page of a new browser context, with the clock in it."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(path=HERE / "tick_watch.js")
    yield context.new_page()
    context.close()


def _spread(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"p50": round(statistics.median(values), 1), "p95": round(cuts[18], 1), "max": round(max(values), 1),
            "n": len(values)}  # fmt: skip


def main() -> None:
    """Measure, print a table, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=40)
    parser.add_argument("--held", type=float, default=0, help="milliseconds from a press to letting go")
    parser.add_argument("--only", default="", help="measure models whose name holds this")
    parser.add_argument("--alone", action="store_true", help="the tree without the page around it")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    rows = []
    with (
        tempfile.TemporaryDirectory() as name,
        page_server(Path(name), BARE) as (bare_address, _),
        page_server(Path(name), ALONE if options.alone else None) as (address, _),
        sync_playwright() as playwright,
    ):
        config = Path(name) / "bert-5000.json"
        config.write_text(json.dumps(NARROW_BERT))
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=find(), args=arguments)
        for model in ("resnet", "experts") if options.alone else ("timm:resnet18", f"config:{config}"):
            if options.only not in model:
                continue
            with window(chromium) as page, window(chromium) as plain:
                row = measure(
                    page, address, model, options.ticks, options.alone, Bare(plain, bare_address, options.held)
                )
            ratios = {
                part: {q: round(ms[q] / row["bare"][q], 2) for q in ("p50", "p95")} for part, ms in row["ms"].items()
            }
            rows.append({**row, "ratios": ratios})
            print(json.dumps(rows[-1], indent=1), flush=True)
        about = {"chromium": chromium.version, "cores": os.cpu_count(), "machine": platform.machine()}
    if options.write:
        command = " ".join(["python", "tests/benchmarks/tick.py", *sys.argv[1:]])
        figures = {"command": command, **about, "load_average": os.getloadavg()[0], "rows": rows}
        options.write.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
