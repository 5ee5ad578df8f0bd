"""What stands on the page belongs together: a result and what was ticked, the tree and what it is told."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from app.service import visitors
from tests.browser.page_room import RESNET, figure, rules, settled, tick, traced
from tests.browser.stored_runs import OWNER, store_runs


@pytest.fixture
def head_run() -> str:
    return store_runs()[0]


def test_a_result_loses_its_marks_and_its_colour_when_another_selection_is_ticked_and_gets_them_back(page_at, head_run):
    page = page_at(f"{RESNET}&run={head_run}", owner=OWNER)
    traced(page)
    marks, told = page.locator(".badge.good"), page.get_by_text("Measured under")
    expect(marks.first).to_be_visible()
    expect(told).to_have_count(0)

    page.get_by_role("radio", name="All", exact=True).click()
    expect(told).to_be_visible()
    expect(marks).to_have_count(0)
    expect(page.locator(".st-key-run_outdated")).to_have_css("filter", "grayscale(1)")
    assert "run=" not in page.url and "rules=train+all" in page.url

    page.get_by_role("button", name="Take it back").click()
    expect(told).to_have_count(0)
    expect(marks.first).to_be_visible()
    expect(rules(page)).to_have_value("freeze all\ntrain head")
    settled(page)
    assert f"run={head_run}" in page.url

    tick(page, "layer4")  # answered in a fragment: the tree is not drawn again
    expect(told).to_be_visible()
    expect(marks).to_have_count(0)


def test_ones_own_runs_are_found_again_by_the_same_browser_and_not_by_another(page_at, head_run):
    page = page_at("/compare?model=timm:resnet18", owner=OWNER)
    own = page.get_by_test_id("stDataFrame").first
    expect(own).to_be_visible()
    page.reload()
    settled(page)
    expect(own).to_be_visible()

    page.context.clear_cookies()
    page.reload()
    settled(page)
    expect(page.get_by_text("No run yet")).to_be_visible()
    (cookie,) = (one for one in page.context.cookies() if one["name"] == visitors.cookie())
    assert cookie["httpOnly"] and cookie["value"] not in page.evaluate("document.cookie")
    page.reload()
    settled(page)
    expect(page.get_by_text("No run yet")).to_be_visible()
    assert cookie["value"] in {one["value"] for one in page.context.cookies()}


@pytest.mark.parametrize("switches", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_the_tree_follows_through_quick_switches_of_models_between_errors(page_at, switches):
    page = page_at(f"{RESNET}&rules=trian+all")
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 3})
    box, tree = page.locator(".st-key-w_model input"), page.locator("section.tree")
    first = page.locator(".st-key-first_models")
    heads = {"EfficientNet-Lite0": "conv_stem", "ResNet-18": "conv1", "BERT-base": "bert"}
    names = (list(heads) * 34)[:switches]
    for switch, name in enumerate(names):
        if switch % 10 == 5:  # a name that does not open stands between two models
            box.fill("timm:resnett18")
            box.press("Enter")
        first.get_by_role("button", name=re.compile(f"^{name}")).click()
        expect(page.get_by_role("treeitem").first).to_have_attribute("aria-label", heads[name])
        expect(tree).to_have_count(1)
    traced(page)
    before, text = figure(page, 0).inner_text(), rules(page).input_value()
    tick(page, heads[names[-1]])
    expect(figure(page, 0)).not_to_have_text(before)
    expect(rules(page)).not_to_have_value(text)
