"""Takes the pictures of the documents: `make screenshots`. They show the product as it is, numbers measured on the way.

    python docs/pictures.py                 # all of them: about five minutes on two quiet cores
    python docs/pictures.py explore-ja walk # some

`walk` opens the page as somebody who has never seen it, a picture at each step: docs/first-minutes.md shows them.
`parts` walks LLaVA's two stages, in each language: docs/multimodal.md shows them.
"""

from __future__ import annotations

import contextlib
import io
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

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from app.text import LANGUAGES, Words  # noqa: E402
from tests.browser.chromium import find  # noqa: E402

OUT = ROOT / "docs" / "pictures"
SLOW_MS = 300_000
COLOURS = 128  # a page is flat: with a palette its picture is a third as large
WINDOW = {"width": 1440, "height": 900}
LLAVA = "model=config:llava&task=image-text-to-text&batch=4&precision=bf16&card=a100-40"
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
    Picture("learn-en", "/learn?lesson=position", press="lesson", until="What it showed|Measured, and"),
    Picture("phone-ja", "/?model=timm:resnet18&lang=ja", width=390, height=844),
)


def main() -> None:
    """Start a server of its own, take every picture, and end it."""
    wanted = set(sys.argv[1:]) or {"walk", "parts", *(picture.name for picture in PICTURES)}
    with served() as base, chromium() as browser:
        for picture in PICTURES:
            if picture.name in wanted:
                take(browser, base, picture)
        if "walk" in wanted:
            Newcomer(browser.new_context(viewport=WINDOW, locale="en-US").new_page(), Words("en")).walk(f"{base}/")
        if "parts" in wanted:
            for lang in LANGUAGES:
                page = browser.new_context(viewport=WINDOW).new_page()
                InTwoStages(page, Words(lang)).walk(f"{base}/?{LLAVA}&lang={lang}")


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


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser, closed afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
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
        expect(page.get_by_text(re.compile(picture.until)).first).to_be_visible(timeout=SLOW_MS)
        ready(page)
    page.mouse.move(0, 0)
    keep(page, picture.name)
    page.context.close()


def keep(page: Page, name: str) -> None:
    """What is on the screen now, as a picture of that name."""
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0, timeout=SLOW_MS)
    page.wait_for_timeout(1500)  # charts slide into place
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
    picture.save(OUT / f"{name}.png", optimize=True)
    print(f"docs/pictures/{name}.png", flush=True)


class Newcomer:
    """Somebody who has never seen the page, in one language."""

    def __init__(self, page: Page, words: Words) -> None:
        self.page, self.words = page, words
        self.step = 0

    def walk(self, base: str) -> None:
        """Open, understand, tick, probe, compare, export."""
        self.page.goto(base)
        ready(self.page)
        self.look("open")
        self.row("blocks").click()
        self.pane("fit")
        self.look("understand")
        self.pane("probe")
        self.page.locator(".st-key-layers-room").get_by_role("searchbox").fill("blocks.6")
        self.tick("blocks.6")
        self.look("tick")
        self.measure()
        self.look("probe")
        self.press("probe.again")
        self.tick("blocks.6")
        self.measure()
        self.turn_to(1)
        self.look("compare")
        self.turn_to(0)
        self.pane("code")
        self.look("export")

    def look(self, name: str) -> None:
        self.step += 1
        keep(self.page, f"walk-{self.step}-{name}")

    def row(self, path: str) -> Locator:
        return self.page.get_by_role("treeitem", name=re.compile(rf"^{re.escape(path)}\b")).first

    def tick(self, path: str) -> None:
        before = self.page.url
        self.row(path).click(position={"x": 15, "y": 14})
        expect(self.page).not_to_have_url(before, timeout=SLOW_MS)
        ready(self.page)

    def pane(self, name: str) -> None:
        pane = self.words(f"pane.{name}")
        radio, button = (self.page.get_by_role(role, name=pane, exact=True) for role in ("radio", "button"))
        radio.or_(button).first.click()
        ready(self.page)

    def turn_to(self, view: int) -> None:
        self.page.locator("[data-testid=stTopNavLink]").nth(view).click()
        ready(self.page)

    def press(self, key: str) -> None:
        self.page.get_by_role("button", name=self.words(key)).click()

    def measure(self) -> None:
        self.press("probe.start")
        expect(self.page.get_by_role("button", name=self.words("probe.again"))).to_be_visible(timeout=2 * SLOW_MS)
        ready(self.page)


class InTwoStages(Newcomer):
    """Somebody who trains LLaVA as its authors did: what joins eyes and language first, then language with it."""

    def walk(self, base: str) -> None:
        """The parts, the projector alone, where memory goes, the last blocks beside it, the code."""
        self.page.goto(base)
        ready(self.page)
        curve = self.page.get_by_label(self.words("chart.blocks_of"), exact=True)
        expect(curve).to_be_visible(timeout=SLOW_MS)
        self.look("parts")
        self.preset(0)
        self.look("projector")
        curve.select_option("language")
        self.preset(1)
        self.page.get_by_role("treeitem", name=self.words("tree.part_language"), exact=True).click()
        self.look("language")
        self.pane("code")
        self.page.get_by_role("combobox", name=self.words("export.target")).click()
        self.page.get_by_role("option", name=self.words.either("target.llama-factory", "llama-factory")).click()
        written = self.page.locator("[data-testid=stCode]").filter(has_text="freeze_multi_modal_projector")
        expect(written).to_be_visible(timeout=SLOW_MS)
        ready(self.page)
        written.scroll_into_view_if_needed()
        self.look("code")

    def look(self, name: str) -> None:
        self.step += 1
        keep(self.page, f"parts-{self.step}-{name}-{self.words.lang}")

    def preset(self, place: int) -> None:
        before = self.page.url
        self.page.locator(".st-key-w_preset").get_by_role("radio").nth(place).click()
        expect(self.page).not_to_have_url(before, timeout=SLOW_MS)
        ready(self.page)


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
