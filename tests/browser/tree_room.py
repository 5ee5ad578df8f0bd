"""The layer tree's test page as a person sees it: rows by path, what they say, what Python received."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

APP = Path(__file__).parent / "apps" / "tree_app.py"


class TreeRoom:
    """A page that shows one tree."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.tree = page.get_by_role("tree", name="Layers", exact=True)
        self.status = page.locator("section.tree").get_by_role("status")
        self.search = page.get_by_role("searchbox")
        expect(self.status).not_to_have_text("")
        self.settled()

    def row(self, path: str) -> Locator:
        return self.page.get_by_role("treeitem", name=path, exact=True)

    def box(self, path: str) -> Locator:
        return self.row(path).locator(".box")

    def tick(self, path: str, **options) -> None:
        self.box(path).click(**options)

    def unfold(self, *paths: str) -> None:
        for path in paths:
            self.row(path).locator(".name").click()
            expect(self.row(path)).to_have_attribute("aria-expanded", "true")

    def has_state(self, path: str, state: str) -> None:
        """The row is `true`, `false` or `mixed`."""
        expect(self.row(path)).to_have_attribute("aria-checked", state)

    def trains(self, scalars: int) -> None:
        """So many scalars train, as the status has it."""
        expect(self.status.locator(".n")).to_have_text(f"{scalars:,}")

    def received(self, tensors: int) -> None:
        """Python knows of so many trainable tensors."""
        expect(self.page.get_by_test_id("stMetricValue").nth(1)).to_have_text(str(tensors))

    def changes_received(self) -> int:
        return int(self.page.get_by_test_id("stMetricValue").nth(0).inner_text())

    def names_received(self) -> list[str]:
        return self.page.get_by_test_id("stCode").inner_text().split()

    def settled(self) -> None:
        expect(self.page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")

    def focus(self, path: str) -> None:
        """The keyboard on a row."""
        self.tree.focus()
        self.page.keyboard.press("Home")
        paths = self.page.get_by_role("treeitem").evaluate_all("rows => rows.map(row => row.ariaLabel)")
        for _ in range(paths.index(path)):
            self.page.keyboard.press("ArrowDown")
        self.on(path)

    def on(self, path: str) -> None:
        """The row that has the focus."""
        expect(self.tree).to_have_attribute("aria-activedescendant", self.row(path).get_attribute("id"))
