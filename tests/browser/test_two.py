"""Two browsers on one run, and a model object of one's own on the page."""

import re

import pytest
import torch
from playwright.sync_api import expect

import freezecore as fc
from tests.browser.page_room import TRACED_MS, TRAINED_MS, figure, pane, rules, settled, tick, traced

LONG = "/?batch=16&size=128&rules=train+all"  # nothing frozen, so nothing is computed once: every step takes its time


def test_a_run_is_watched_to_its_end_by_its_link_in_another_browser(page_at):
    mine = page_at(LONG)
    mine.get_by_role("spinbutton", name="Steps").fill("400")
    mine.keyboard.press("Enter")
    settled(mine)
    mine.get_by_role("button", name="Train for a minute").click()
    expect(mine).to_have_url(re.compile("run="))

    theirs = page_at(mine.url[mine.url.index("/?") :])
    step = re.compile(r"step \d+ of 400")
    progress = theirs.get_by_text(step)
    expect(progress).to_be_visible(timeout=TRAINED_MS)
    seen = step.search(progress.inner_text())[0]
    expect(progress).not_to_contain_text(seen)
    expect(theirs.get_by_role("progressbar")).to_be_visible()
    expect(theirs.get_by_role("button", name="Stop", exact=True)).to_be_disabled()

    mine.get_by_role("button", name="Stop", exact=True).click()
    for page in (mine, theirs):
        expect(page.get_by_text(re.compile(r"Stopped after \d+ steps"))).to_be_visible(timeout=TRAINED_MS)
    measured = mine.locator("[data-testid=stMetricValue]").filter(has_text="→").inner_text()
    expect(theirs.get_by_text(measured, exact=True)).to_be_visible()


@pytest.fixture
def own_model(tmp_path) -> str:
    """A file of a model object, as `fc.save` writes it."""
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(8 * 14 * 14, 5)
    )
    fc.save(model, torch.randn(4, 3, 16, 16), tmp_path / "model.json")
    return str(tmp_path / "model.json")


def test_a_model_of_ones_own_is_dropped_ticked_costed_and_exported(page_at, own_model):
    page = page_at("/")
    page.get_by_role("button", name="Your own model").click()
    page.locator(".st-key-w_upload input[type=file]").set_input_files(own_model)
    expect(page).to_have_url(re.compile("model=file:"), timeout=TRACED_MS)  # a cold server follows the gallery first
    traced(page)
    expect(page.get_by_role("treeitem")).to_have_count(3)  # the convolution, the norm and the classifier
    before, typed = figure(page, 0).inner_text(), rules(page).input_value()
    tick(page, "0")
    expect(rules(page)).not_to_have_value(typed)
    expect(figure(page, 0)).not_to_have_text(before)
    pane(page, "Code")
    expect(page.locator("[data-testid=stCode]")).to_contain_text("requires_grad")
    expect(page.locator("[data-testid=stCode]")).to_contain_text("4 of 6 parameters train: 8,069 of 8,085 scalars")
