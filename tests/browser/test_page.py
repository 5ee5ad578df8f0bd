"""The whole page in a real browser: from the first paint to a finished probe and a downloaded script."""

import ast
import re

import pytest
from playwright.sync_api import expect

from tests.browser.page_room import RESNET, TRACED_MS, TRAINED_MS, figure, pane, rules, settled, tick, traced


def test_from_the_first_paint_to_a_downloaded_script(page_at, tmp_path):
    page = page_at("/")
    traced(page)
    expect(rules(page)).to_have_value("freeze all\ntrain head")
    page.get_by_role("button", name="Train for a minute").click()
    expect(page.get_by_text("unseen samples")).to_be_visible(timeout=TRAINED_MS)
    before, after = map(float, page.get_by_text(re.compile(r"0\.\d+ → 0\.\d+")).inner_text().split(" → "))
    assert before < 0.3 < 0.85 < after
    expect(page.get_by_text(re.compile("Proof: 147 frozen parameters"))).to_be_visible()
    assert "run=" in page.url

    page.reload()
    expect(page.get_by_text("unseen samples")).to_be_visible(timeout=TRACED_MS)

    pane(page, "Code")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    script = tmp_path / "freeze.py"
    download.value.save_as(script)
    ast.parse(script.read_text())
    assert "tf_efficientnet_lite0" in script.read_text()


def test_a_tick_changes_numbers_rules_and_link_without_a_step_of_history(page_at):
    page = page_at(RESNET)
    traced(page)
    before, steps = figure(page, 0).inner_text(), page.evaluate("history.length")
    tick(page, "conv1")
    expect(figure(page, 0)).not_to_have_text(before)
    expect(rules(page)).to_have_value(re.compile("conv1|layer"))
    expect(page).to_have_url(re.compile("rules="))
    assert page.evaluate("history.length") == steps


def test_beside_a_step_that_does_not_fit_a_button_leads_to_what_would(page_at):
    page = page_at(RESNET + "&rules=train+all&batch=4096")
    traced(page)
    expect(figure(page, 1)).to_contain_text("no")
    page.get_by_role("button", name="What would fit").click()
    expect(page.get_by_text("The least change of each kind")).to_be_visible(timeout=TRACED_MS)


def test_a_reload_brings_the_same_selection(page_at):
    page = page_at(RESNET + "&rules=freeze+all;+train+layer4&batch=16")
    traced(page)
    expect(rules(page)).to_have_value("freeze all\ntrain layer4")
    page.reload()
    settled(page)
    expect(rules(page)).to_have_value("freeze all\ntrain layer4")
    expect(page.get_by_role("spinbutton", name="Batch size")).to_have_value("16")


def test_rules_edit_the_ticks(page_at):
    page = page_at(RESNET)
    rules(page).fill("freeze all\ntrain layer4")
    rules(page).press("Control+Enter")
    row = page.get_by_role("treeitem", name=re.compile(r"^layer4\b")).first
    expect(row).to_have_attribute("aria-checked", "true")
    expect(page.get_by_role("treeitem", name=re.compile(r"^conv1\b")).first).to_have_attribute("aria-checked", "false")


def test_a_tick_leaves_the_preset_and_the_next_one_finds_it_again(page_at):
    page = page_at(RESNET)
    traced(page)
    preset, peak = page.get_by_role("radio", name="Head", exact=True), figure(page, 0)
    expect(preset).to_be_checked()
    head = peak.inner_text()
    tick(page, "conv1")
    expect(rules(page)).to_have_value(re.compile("train conv1"))
    expect(preset).not_to_be_checked()
    expect(peak).not_to_have_text(head)
    tick(page, "layer1")  # nothing but the answer is drawn again
    expect(rules(page)).to_have_value(re.compile("layer1|stages|blocks"))
    for path in ("layer1", "conv1"):
        tick(page, path)
    expect(preset).to_be_checked()
    expect(peak).to_have_text(head)
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


def test_a_wrong_rule_says_where(page_at):
    page = page_at(RESNET)
    rules(page).fill("freeze all\ntrian head")
    rules(page).press("Control+Enter")
    expect(page.get_by_text(re.compile("Line 2, column 1"))).to_be_visible()


def test_back_returns_to_the_model_before(page_at):
    page = page_at(RESNET)
    page.get_by_role("button", name="BERT-base").click()
    expect(page).to_have_url(re.compile("config:bert|config%3Abert"))
    expect(page.get_by_role("treeitem", name=re.compile("^bert")).first).to_be_visible(timeout=TRACED_MS)
    page.go_back()
    expect(page.get_by_role("treeitem", name=re.compile(r"^conv1\b")).first).to_be_visible(timeout=TRACED_MS)


@pytest.mark.parametrize(
    "address",
    [
        "/?model=timm:no_such_model",
        "/?model=" + "x" * 900,
        "/?model=timm:resnet18&rules=" + "freeze+" * 600,
        "/?model=timm:resnet18&rules=%00%1b%5B31m",
        "/?model=timm:resnet18&batch=99999999999&lang=xx&nonsense=1",
        "/?model=timm:resnet18&run=../../etc/passwd",
        "/?model=timm:resnet18&lesson=%3Cscript%3E",
    ],
)
def test_a_hostile_link_is_a_sentence(page_at, address):
    page = page_at(address)
    expect(page.locator("[data-testid=stAlert]").first).to_be_visible()
    assert "Traceback" not in page.inner_text("body")
    expect(page.get_by_role("combobox", name="Model")).to_be_visible()


def test_a_column_is_ticked_by_mouse_and_by_keyboard(page_at):
    page = page_at(RESNET + "&rules=freeze+all;+train+layer4")
    traced(page)
    column = page.get_by_role("button", name=re.compile(r"^0 \(input\)"))
    column.click()
    expect(column).to_have_attribute("aria-pressed", "true")
    expect(rules(page)).to_have_value(re.compile("layer1.0"))
    expect(page.get_by_role("treeitem", name=re.compile(r"^layer1\.0\b"))).to_have_attribute("aria-checked", "true")
    column.press("ArrowLeft")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name=re.compile("^stem"))).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("width", [360, 768, 1440, 2560])
def test_nothing_is_wider_than_the_window(page_at, width):
    page = page_at(RESNET, width=width)
    traced(page)
    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= width


def test_a_search_that_leaves_a_part_of_a_row_leaves_out_what_the_whole_row_costs(page_at):
    page = page_at(RESNET)
    traced(page)
    price = page.get_by_role("treeitem", name=re.compile("^layer3\\b")).locator(".price").first
    expect(price).to_have_text(re.compile(r"^\+"))
    page.get_by_label("Search layers").fill("layer3.0.conv1")
    expect(price).to_have_text("")
    page.get_by_label("Search layers").fill("layer3")
    expect(price).to_have_text(re.compile(r"^\+"))


def test_the_tree_and_its_charts_stand_on_one_screen(page_at):
    page = page_at(RESNET, width=1440)
    traced(page)
    for part in (".st-key-layers-room", ".st-key-charts"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= 900, part
    assert page.get_by_role("button", name="Train for a minute").bounding_box()["y"] < 880
