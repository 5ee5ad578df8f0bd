"""Takes the pictures of the README: `make screenshots`. They show the product as it is, numbers measured on the way."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.chromium import find  # noqa: E402

SLOW_MS = 300_000
BERT = "config:bert&task=sequence-classification&labels=2"


@dataclass(frozen=True)
class Picture:
    """One picture: its file, the address behind it, and what to press before it is taken."""

    name: str
    address: str
    scheme: str = "light"
    width: int = 1600
    height: int = 1000
    press: str | None = None
    until: str | None = None


PICTURES = (
    Picture("explore-en", "/", press="Train for a minute", until="unseen samples"),
    Picture("explore-ja", f"/?model={BERT}&lang=ja&rules=freeze+embeddings;+freeze+blocks:0-2", "dark"),
    Picture("learn-en", "/learn?lesson=position", press="lesson", until="What it showed"),
    Picture("phone-ja", "/?model=timm:resnet18&lang=ja", width=390, height=844),
)


def main() -> None:
    """Start a server of its own, take every picture, and end it."""
    wanted = set(sys.argv[1:])
    with served() as base:
        take_all(base, [p for p in PICTURES if not wanted or p.name in wanted])


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of a server of its own with an empty home, ended afterwards."""
    with tempfile.TemporaryDirectory() as home:
        base = f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, "-m", "app", "--port", str(port)]
        server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "FREEZE_EXPLORER_HOME": home})
        try:
            wait_for(f"{base}/_stcore/health")
            yield base
        finally:
            server.terminate()
            server.wait(30)


def take_all(base: str, pictures: list[Picture]) -> None:
    """Each picture in a window of its own."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=find(), args=flags)
        for picture in pictures:
            take(browser, base, picture)
            print(f"docs/{picture.name}.png")
        browser.close()


def take(browser: Browser, base: str, picture: Picture) -> None:
    """Open, wait for the numbers, press what is to be pressed, and look."""
    viewport = {"width": picture.width, "height": picture.height}
    page = browser.new_context(viewport=viewport, color_scheme=picture.scheme).new_page()
    page.goto(base + picture.address)
    ready(page)
    if picture.press == "lesson":
        page.locator("[data-testid=stRadio]").get_by_text("The stem").click()
        page.get_by_role("button", name="Measure it").click()
    elif picture.press:
        page.get_by_role("button", name=picture.press).click()
    if picture.until:
        expect(page.get_by_text(picture.until).first).to_be_visible(timeout=SLOW_MS)
        ready(page)
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)  # charts slide into place
    page.screenshot(path=ROOT / "docs" / f"{picture.name}.png")
    page.context.close()


def ready(page: Page) -> None:
    """Nothing is being drawn, and no figure is still on its way."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=SLOW_MS)
    if page.locator(".st-key-layers-room").count():
        expect(page.locator(".st-key-charts .numbers .value").first).to_have_text(re.compile(r"\d"), timeout=SLOW_MS)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(address: str) -> None:
    """Until the server answers."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The server did not start.")


if __name__ == "__main__":
    main()
