"""A multimodal model's parts as sections of the tree."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.page_room import TRACED_MS, traced
from tests.browser.test_access import OPTIONS
from tests.browser.test_tree_access import violations

VISION, LANGUAGE = "vision", "language"


def test_sections_read_as_parts_and_open_on_their_own_modules(tree_room):
    room = tree_room("sees")
    expect(room.tree).to_match_aria_snapshot("""
        - tree "Layers":
          - treeitem "vision" [level=1]
          - treeitem "projector" [level=1]
          - treeitem "language" [level=1]
    """)
    room.unfold(VISION)
    expect(room.row("model.visual.blocks")).to_have_attribute("aria-level", "2")
    expect(room.row("model.visual.blocks").locator(".name")).to_have_text("blocks")
    expect(room.row("model.visual.blocks.3")).to_be_visible()  # blocks stand open, as in any model
    expect(room.row("model.visual.merger")).to_have_count(0)
    assert violations(room) == []


def test_a_sections_own_box_trains_its_part_and_nothing_else_and_says_how_much_trains(tree_room):
    room = tree_room("sees")
    room.tick("projector")
    room.has_state("projector", "true")
    room.has_state(LANGUAGE, "false")
    expect(room.status).to_contain_text("6,240 of")
    expect(room.row("projector").locator(".tally")).to_have_text("6.24\u202fk / 6.24\u202fk")
    room.unfold("projector")
    room.tick("model.visual.merger")
    expect(room.row("projector").locator(".tally")).to_have_text("0 / 6.24\u202fk")


def test_the_keyboard_walks_and_ticks_sections(tree_room):
    room = tree_room("sees", lang="ja")
    room.page.get_by_role("tree").focus()
    for key in ("ArrowDown", "Space", "End", "ArrowRight", "ArrowRight"):
        room.page.keyboard.press(key)
    room.has_state("接続", "true")
    expect(room.row("model.language_model")).to_have_class("row frozen module active")
    room.page.keyboard.press("ArrowLeft")
    room.page.keyboard.press("ArrowLeft")
    expect(room.row("言語")).to_have_class("row frozen module section active")


def test_sections_stay_whole_on_a_phone(tree_room):
    room = tree_room("sees", annotations=True, width=390)
    assert room.tree.evaluate("tree => tree.scrollWidth - tree.clientWidth") <= 0
    for part in (VISION, "projector", LANGUAGE):
        tally = room.row(part).locator(".tally")
        assert tally.evaluate("one => one.scrollWidth - one.clientWidth") <= 1, part


@pytest.mark.slow
def test_the_depth_curve_is_that_of_the_part_that_was_chosen(page_at):
    page = page_at("/?model=config:clip&batch=2")
    traced(page)
    select = page.get_by_label("Freeze from the input side of")
    expect(select.locator("option")).to_have_text(["the whole model", "vision", "language"], timeout=TRACED_MS)
    dots = page.locator(".curve .dots")
    expect(dots).to_have_attribute("d", re.compile("M"), timeout=TRACED_MS)
    whole = dots.get_attribute("d")
    select.focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_text("Peak when language is frozen up to here and nothing else is")).to_be_visible()
    language = dots.get_attribute("d")
    assert language.count("M") == 13 and whole.count("M") == 25
    assert float(language[1:].split()[0]) > float(whole[1:].split()[0])  # it begins where the part does
    found = Axe().run(page, options=OPTIONS).response["violations"]
    assert found == []
