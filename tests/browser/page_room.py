"""What tests of the whole page share: where it is, when it has settled, and its parts as a person finds them."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

MAIN = Path(__file__).parents[2] / "app" / "asgi.py"
RESNET = "/?model=timm:resnet18"
TRACED_MS = 180_000
TRAINED_MS = 600_000  # a ceiling for a machine that is shared


def settled(page: Page) -> None:
    """Something has been drawn, nothing more is being drawn, and no widget waits for its own code."""
    idle = "[data-testid=stApp][data-test-script-state=notRunning]:not(:has([data-testid=stSkeleton]))"
    page.locator(f"{idle}:has(.st-key-top, h2)").wait_for(timeout=TRACED_MS)


def traced(page: Page) -> None:
    """Wait until the numbers are there."""
    expect(figure(page, 0)).to_have_text(re.compile(r"\d.*B"), timeout=TRACED_MS)


def figure(page: Page, place: int) -> Locator:
    return page.locator(".st-key-charts .numbers .value").nth(place)


def tick(page: Page, path: str) -> None:
    row = page.get_by_role("treeitem", name=re.compile(rf"^{re.escape(path)}\b")).first
    row.click(position={"x": 15, "y": 14})


def rules(page: Page) -> Locator:
    return page.locator(".st-key-w_rules textarea")


def pane(page: Page, label: str) -> None:
    """Turn to one of the panes below the numbers."""
    radio, button = (page.get_by_role(role, name=label, exact=True) for role in ("radio", "button"))
    radio.or_(button).first.click()
    settled(page)
