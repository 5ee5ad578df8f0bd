"""What the page does with the room it has: the tree's height and columns, a phone's numbers, nothing that jumps."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from app.text import LANGUAGES, Words
from tests.browser.page_room import RESNET, TRACED_MS, pane, settled, tick, traced

BERT = "/?model=config:bert&task=sequence-classification&labels=2"
PHONE = {"width": 390, "height": 844}


def in_sight(page: Page, what: Locator) -> bool:
    box, height = what.bounding_box(), page.viewport_size["height"]
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= height


@pytest.mark.parametrize("lang", LANGUAGES)
def test_on_a_phone_a_tick_and_its_answer_stand_on_one_screen(page_at, lang):
    page = page_at(RESNET + f"&lang={lang}", **PHONE)
    traced(page)
    row = page.get_by_role("treeitem", name=re.compile(r"^layer4\b")).first
    row.scroll_into_view_if_needed()
    peak = page.locator(".st-key-charts .numbers .value").first
    before = peak.inner_text()
    tick(page, "layer4")
    expect(peak).not_to_have_text(before)
    assert in_sight(page, row) and in_sight(page, peak)
    numbers = page.locator(".st-key-charts .numbers").bounding_box()
    assert numbers["height"] < 0.13 * PHONE["height"], "the bar leaves the screen to the tree"


def test_the_tree_takes_the_height_there_is_and_shows_class_and_shape(page_at):
    page = page_at(RESNET, width=1440, height=900)
    traced(page)
    rows = page.get_by_role("treeitem")
    assert sum(in_sight(page, row) for row in rows.all()) >= 13
    expect(rows.first.locator(".label")).to_be_visible()
    expect(rows.first.locator(".label")).to_have_text("Conv2d")
    tree = page.locator("[role=tree]")
    high = tree.bounding_box()["height"]
    page.set_viewport_size({"width": 1440, "height": 800})
    assert tree.bounding_box()["height"] <= high - 90


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (1920, 1080)])
def test_the_tree_stays_in_sight_beside_a_long_pane(page_at, width, height):
    page = page_at(RESNET, width=width, height=height)
    traced(page)
    pane(page, Words("en")("pane.import"))
    page.add_style_tag(content="[data-testid=stColumn]:has(.st-key-charts) { min-height: 2600px }")
    page.locator("[data-testid=stMain]").evaluate("main => main.scrollTo(0, 1200)")
    page.wait_for_timeout(500)
    assert in_sight(page, page.get_by_role("treeitem").first)
    assert in_sight(page, page.locator("[role=tree]"))


def test_no_pane_jumps_when_a_step_has_been_traced(page_at):
    page = page_at("/?model=timm:resnet26", width=1440, height=900)
    settled(page)
    chooser = page.locator(".st-key-w_pane")
    expect(page.locator(".st-key-charts .numbers")).to_be_visible(timeout=TRACED_MS)
    page.wait_for_timeout(300)
    before = chooser.bounding_box()["y"]
    traced(page)
    expect(page.locator(".st-key-charts .plot:not(.awaited)")).to_be_visible(timeout=TRACED_MS)
    assert abs(chooser.bounding_box()["y"] - before) <= 2


def test_where_it_is_narrow_stepper_and_tools_take_a_line_each_and_no_path_leaves_its_chart(page_at):
    page = page_at(BERT + "&lang=ja", width=1024, height=768)  # the longest words
    traced(page)
    note = page.locator(".st-key-charts .parts + .hint")
    assert note.evaluate("one => one.scrollWidth <= one.clientWidth"), note.inner_text()
    for width in (1024, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(500)
        for parts in (page.locator(".st-key-first_n > *"), page.locator(".tools > :visible")):
            boxes = [one.bounding_box() for one in parts.all()]
            middles = [box["y"] + box["height"] / 2 for box in boxes]
            assert len(boxes) > 2 and max(middles) - min(middles) < 8, (width, boxes)
            assert max(box["x"] + box["width"] for box in boxes) <= width


def test_the_ends_of_a_model_are_named_below_its_columns(page_at):
    page = page_at(BERT, width=1440, height=900)
    traced(page)
    labels = page.locator(".st-key-charts .labels span")
    texts = labels.all_inner_texts()
    assert {"embeddings", "0 (input)", "11 (output)", "head"} <= set(texts)


def test_a_price_is_not_written_on_its_bar(page_at):
    page = page_at(RESNET, width=1440, height=900)
    traced(page)
    price = page.get_by_role("treeitem", name="conv1", exact=True).locator(".price")
    expect(price).to_have_text(re.compile("%"), timeout=TRACED_MS)
    size = price.evaluate("cell => getComputedStyle(cell).backgroundSize")
    assert size.endswith(" 3px"), size


def test_streamlits_own_menu_is_gone_and_an_address_that_is_no_page_is_told_in_japanese(page_at):
    page = page_at("/nowhere?lang=ja")
    expect(page.get_by_text("使えない部分は無視しました: nowhere")).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)
    expect(page.locator("[data-testid=stMainMenu]")).to_have_count(0)
