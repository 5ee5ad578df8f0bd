"""A stranger's first ten minutes, in both languages, with a picture at each step: `python docs/walk.py [en] [ja]`.

Writes docs/walk/en-1-open.png and so on; what made the stranger hesitate stands in docs/walk.md.
It trains twice in each language: about two minutes on two quiet cores.
"""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from app.text import Words  # noqa: E402, TID251
from docs.screenshots import SLOW_MS, ready, served  # noqa: E402
from tests.browser.chromium import find  # noqa: E402

OUT = ROOT / "docs" / "walk"
SIZE = {"width": 1440, "height": 900}
COLOURS = 128  # a page is flat: with a palette its picture is a third as large
LOCALES = {"en": "en-US", "ja": "ja-JP"}


class Stranger:
    """Somebody who has never seen the page, in one language."""

    def __init__(self, page: Page, lang: str) -> None:
        self.page, self.lang, self.words = page, lang, Words(lang)
        self.step = 0

    def look(self, name: str) -> None:
        """Keep what is on the screen now."""
        self.step += 1
        expect(self.page.locator("[data-testid=stSkeleton]")).to_have_count(0, timeout=SLOW_MS)
        self.page.wait_for_timeout(1500)  # charts slide into place
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB").quantize(COLOURS)
        file = OUT / f"{self.lang}-{self.step}-{name}.png"
        picture.save(file, optimize=True)
        print(file.relative_to(ROOT), flush=True)

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
        self.press("probe.start")
        self.until_measured()
        self.look("probe")
        self.press("probe.again")
        self.tick("blocks.6")
        self.press("probe.start")
        self.until_measured()
        self.page.locator("[data-testid=stTopNavLink]").nth(1).click()
        ready(self.page)
        self.look("compare")
        self.page.locator("[data-testid=stTopNavLink]").nth(0).click()
        ready(self.page)
        self.pane("code")
        self.look("export")

    def row(self, path: str):
        return self.page.get_by_role("treeitem", name=re.compile(rf"^{re.escape(path)}\b")).first

    def tick(self, path: str) -> None:
        before = self.page.url
        self.row(path).click(position={"x": 15, "y": 14})
        expect(self.page).not_to_have_url(before, timeout=SLOW_MS)
        ready(self.page)

    def pane(self, name: str) -> None:
        pane = self.words(f"pane.{name}")
        self.page.get_by_role("radio", name=pane).or_(
            self.page.get_by_role("button", name=pane, exact=True)
        ).first.click()
        ready(self.page)

    def press(self, key: str) -> None:
        self.page.get_by_role("button", name=self.words(key)).click()

    def until_measured(self) -> None:
        expect(self.page.get_by_role("button", name=self.words("probe.again"))).to_be_visible(timeout=2 * SLOW_MS)
        ready(self.page)


def main() -> None:
    """Start a server of its own, walk, and end it."""
    langs = sys.argv[1:] or list(LOCALES)
    OUT.mkdir(exist_ok=True)
    with served() as base, sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=find(), args=flags)
        for lang in langs:
            context = browser.new_context(viewport=SIZE, locale=LOCALES[lang])
            Stranger(context.new_page(), lang).walk(f"{base}/")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
