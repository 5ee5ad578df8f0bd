"""The box of rules as a person uses it: what is wrong is marked, ticks are written, typed text is applied."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.page_room import RESNET, figure, rules, settled, tick, traced


@pytest.fixture
def page(page_at):
    page = page_at(RESNET)
    traced(page)
    return page


def typed(page, text: str) -> None:
    rules(page).fill("")
    rules(page).press_sequentially(text)


def test_a_word_at_fault_is_marked_while_the_last_selection_stays(page):
    before = figure(page, 0).inner_text()
    typed(page, "freeze all\ntrian layer1")
    rules(page).press("Control+Enter")
    expect(page.locator(".st-key-w_rules mark")).to_have_text("trian")
    expect(rules(page)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Line 2, column 1")).to_be_visible()
    assert figure(page, 0).inner_text() == before
    page.get_by_role("button", name="train", exact=True).click()
    expect(rules(page)).to_have_value("freeze all\ntrain layer1")
    expect(page.locator(".st-key-w_rules mark")).to_have_count(0)


def test_a_tick_is_written_as_a_rule_and_typed_text_is_applied_on_leaving_the_box(page):
    tick(page, "layer1")
    expect(rules(page)).to_have_value(re.compile("layer1"))
    typed(page, "train all")
    page.locator("section.tree .search").click()
    expect(page.locator("section.tree .sum .n")).to_have_text("11,689,512")
    settled(page)
    typed(page, "freeze all;  train fc")
    rules(page).press("Control+Enter")
    expect(rules(page)).to_have_value("freeze all\ntrain fc")
