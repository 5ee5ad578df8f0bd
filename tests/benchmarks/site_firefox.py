"""Walks the page without a server in a Firefox that is installed, and once more with its host gone.

    python -m tests.benchmarks.site_firefox [--site site] [--firefox firefox] [--probe] [--picture walked.png]

`make site` comes first. Firefox is spoken to over Marionette, its own protocol: Playwright's builds are on no package
registry. Each line that is printed was seen; what is missing ends the walk with the page's text.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.site import host
from tests.benchmarks.tick import HERE

LATE_S = 240
PANES = ("probe", "search", "findings", "code", "import", "fit", "versus", "timeline")
CHARTS = "document.querySelector('.charts-room')?.shadowRoot"
NUMBERS = f"[...{CHARTS}?.querySelectorAll('.numbers .value') ?? []].map(e => e.innerText)"
BOX = """const box = document.querySelector('.tree-room').shadowRoot.querySelectorAll('[role=treeitem] .box')[3];
const { x, y, width, height } = box.getBoundingClientRect();
return [Math.round(x + width / 2), Math.round(y + height / 2)];"""


class Firefox:
    """One browser; `js` runs a function's body in its page."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        silent = ("app.update.enabled", "datareporting.policy.dataSubmissionEnabled")
        wishes = {"marionette.port": port, **dict.fromkeys(silent, False)}
        lines = (f'user_pref("{name}", {json.dumps(value)});\n' for name, value in wishes.items())
        (folder / "user.js").write_text("".join(lines))
        asked = [program, "--headless", "--marionette", "--no-remote", "--profile", str(folder), "about:blank"]
        self.process = subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wire = _connected(port)
        self._read()  # its greeting
        self._number = 0
        limits = {"timeouts": {"script": 1000 * LATE_S, "pageLoad": 1000 * LATE_S}}
        self.version = self.tell("WebDriver:NewSession", capabilities=limits)["capabilities"]["browserVersion"]
        self.tell("WebDriver:SetWindowRect", width=1400, height=1000)

    def tell(self, command: str, **about: object) -> Any:
        """Its answer.

        Raises:
            RuntimeError: it refuses.
        """
        self._number += 1
        text = json.dumps([0, self._number, command, about]).encode()
        self._wire.sendall(f"{len(text)}:".encode() + text)
        _, _, fault, answer = self._read()
        if fault:
            raise RuntimeError(f"{command}: {fault['message']}")
        return answer

    def _read(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._wire.recv(1)
        content = b""
        while len(content) < int(length[:-1]):
            content += self._wire.recv(int(length[:-1]) - len(content))
        return json.loads(content)

    def js(self, body: str, *about: object) -> Any:
        return self.tell("WebDriver:ExecuteScript", script=body, args=list(about), sandbox=None)["value"]

    def until(self, condition: str) -> None:
        """Wait until this holds in the page."""
        end = time.monotonic() + LATE_S
        while not self.js(f"return Boolean({condition})"):
            if time.monotonic() > end:
                raise SystemExit(f"Never seen: {condition}\n{self.js('return document.body.innerText')[:600]}")
            time.sleep(0.3)

    def opened(self, address: str) -> None:
        self.tell("WebDriver:Navigate", url=address)
        self.until(f"document.querySelector('.starting[hidden]') && {NUMBERS}.length")

    def click(self, x: int, y: int) -> None:
        pressed = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        moves = [{"type": "pointerMove", "x": x, "y": y}, *pressed]
        hand = {"type": "pointer", "id": "hand", "parameters": {"pointerType": "mouse"}, "actions": moves}
        self.tell("WebDriver:PerformActions", actions=[hand])


def _connected(port: int) -> socket.socket:
    end = time.monotonic() + LATE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=LATE_S)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.3)


def walk(firefox: Firefox, address: str) -> None:
    """Open a model, turn to every pane, tick a row, and wait until the page needs no network."""
    firefox.opened(f"{address}/?model=timm:resnet18")
    before = firefox.js(f"return {NUMBERS}")
    print("opened:", *before, flush=True)
    for pane in PANES:
        firefox.js("document.querySelector(`[data-pane=${arguments[0]}]`).click()", pane)
        firefox.until("document.querySelector('.pane:not(.waiting) > *')")
        said = firefox.js("return document.querySelector('.pane').innerText")
        print(f"{pane}:", said[:60].replace("\n", " "), flush=True)
    firefox.click(*firefox.js(BOX))
    firefox.until(f"{NUMBERS}.join() !== {json.dumps(','.join(before), ensure_ascii=False)}")
    firefox.until("location.search.includes('train')")
    print("ticked:", *firefox.js(f"return {NUMBERS}"), firefox.js("return location.search"), flush=True)
    firefox.until("document.querySelector('.foot').innerText.includes('without a network')")


def probed(firefox: Firefox, address: str) -> None:
    firefox.opened(f"{address}/#probe")
    firefox.until("document.querySelector('.pane .button.main')")
    firefox.js("document.querySelector('.pane .button.main').click()")
    firefox.until("document.querySelector('.pane .pane .text')")
    print(firefox.js("return document.querySelector('.pane .pane').innerText"), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=HERE.parents[1] / "site")
    parser.add_argument("--firefox", default="firefox", help="the program")
    parser.add_argument("--probe", action="store_true", help="measure a head as well")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("MOZ_DISABLE_CONTENT_SANDBOX", "1")  # a container lets it start no sandbox of its own
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        firefox = Firefox(options.firefox, Path(folder))
        print("Firefox", firefox.version, flush=True)
        try:
            with host(options.site) as address:
                walk(firefox, address)
                if options.picture:
                    picture = firefox.tell("WebDriver:TakeScreenshot", full=False)["value"]
                    options.picture.write_bytes(base64.b64decode(picture))
            firefox.opened(f"{address}/?model=config:bert&task=sequence-classification&labels=2")
            print("opened with its host gone:", *firefox.js(f"return {NUMBERS}"), flush=True)
            if options.probe:
                probed(firefox, address)
        finally:
            firefox.process.terminate()
            firefox.process.wait(30)


if __name__ == "__main__":
    main()
