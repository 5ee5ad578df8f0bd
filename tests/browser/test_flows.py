"""What a visitor brings and takes, in a real browser: selections, data, searches, runs and code."""

import csv
import io
import json
import re
import zipfile

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.page_room import RESNET, TRACED_MS, TRAINED_MS, pane, rules, settled

SMALL = "/?batch=8&size=64"
PASTED = "layer4.0.conv1.weight True\nlayer9.conv7.weight True\nfc.weight False\nwhat is this\n"


def pictures() -> bytes:
    """A zip of two classes that a first look tells apart."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, colour in (("night", (10, 10, 60)), ("day", (200, 230, 255))):
            for i in range(16):
                made = io.BytesIO()
                Image.new("RGB", (32, 32), tuple(min(255, part + i) for part in colour)).save(made, "PNG")
                archive.writestr(f"{name}/{i}.png", made.getvalue())
    return file.getvalue()


def test_a_pasted_list_becomes_ticks_and_says_what_it_left_out(page_at):
    page = page_at(RESNET)
    pane(page, "Import")
    page.get_by_role("textbox", name="Paste what you have").fill(PASTED)
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_text("Read as a list of names")).to_be_visible()
    expect(page.get_by_text("Could not be read: 1")).to_be_visible()
    expect(page.get_by_text("Not in this model: 1")).to_be_visible()
    expect(rules(page)).to_have_value("freeze all\ntrain head")
    page.get_by_role("button", name="Tick it without the 2 left out").click()
    expect(rules(page)).not_to_have_value("freeze all\ntrain head")
    expect(page).to_have_url(re.compile("rules="))


def test_a_selection_is_imported_with_the_keyboard_alone_in_japanese(page_at):
    page = page_at(RESNET + "&lang=ja")
    pane(page, "取り込む")
    page.get_by_role("textbox", name="手元のものを貼り付け").focus()
    page.keyboard.insert_text("freeze all; train layer4")
    page.keyboard.press("Control+Enter")
    use = page.get_by_role("button", name="この選び方にする")
    expect(use).to_be_visible()
    use.focus()
    page.keyboard.press("Enter")
    expect(rules(page)).to_have_value("freeze all\ntrain layer4")


def test_a_dropped_file_is_read_too(page_at):
    page = page_at(RESNET)
    pane(page, "Import")
    file = {"name": "config.yaml", "mimeType": "text/yaml", "buffer": b"unfrozen_parameters:\n  - layer4.*\n"}
    page.locator(".st-key-w_import_file input[type=file]").set_input_files(file)
    expect(page.get_by_text("an axolotl configuration")).to_be_visible()
    page.get_by_role("button", name="Tick this selection").click()
    expect(rules(page)).to_have_value("freeze all\ntrain layer4")


def test_suggestions_are_started_found_again_after_a_reload_and_ticked(page_at):
    page = page_at(SMALL)
    pane(page, "Try many")
    page.get_by_role("radio", name="Quick suggestions").click()
    settled(page)
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_enabled()
    start.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("search="))
    expect(page.get_by_text("A linear classifier").first).to_be_visible(timeout=TRAINED_MS)
    expect(page.get_by_role("button", name="Another search")).to_be_visible(timeout=TRAINED_MS)

    page.reload()
    expect(rules(page)).to_be_visible(timeout=TRACED_MS)
    pane(page, "Try many")
    suggested = page.locator("[data-testid=stMarkdownContainer] code").first.inner_text()
    page.get_by_role("button", name="Tick this").first.click()
    expect(rules(page)).to_have_value(suggested.replace("; ", "\n"))


def test_a_sweep_is_stopped_and_keeps_what_it_has(page_at):
    page = page_at(SMALL)
    pane(page, "Try many")
    page.get_by_role("button", name=re.compile(r"Start \d+ runs")).click()
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_enabled()
    expect(page.get_by_role("progressbar")).to_be_visible()
    stop.click()
    expect(page.get_by_role("button", name="Another search")).to_be_visible(timeout=TRAINED_MS)
    page.get_by_role("button", name="Another search").click()
    expect(page.get_by_role("button", name=re.compile(r"Start \d+ runs"))).to_be_visible()
    expect(page).not_to_have_url(re.compile("search="))


def test_own_pictures_are_previewed_trained_on_proved_and_compared(page_at, tmp_path):
    page = page_at(SMALL)
    page.get_by_role("combobox", name="Data").click()
    page.get_by_role("option", name=re.compile("your own")).click()
    expect(page.get_by_role("button", name="Train for a minute")).to_be_disabled()
    file = {"name": "sky.zip", "mimeType": "application/zip", "buffer": pictures()}
    page.locator(".st-key-w_own_data input[type=file]").set_input_files(file)
    expect(page.get_by_text("2 classes")).to_be_visible(timeout=TRACED_MS)
    expect(page.locator(".samples img").first).to_be_visible()
    page.get_by_role("spinbutton", name="Steps").fill("6")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_role("button", name="Train for a minute").click()
    expect(page.get_by_text("unseen samples")).to_be_visible(timeout=TRAINED_MS)
    expect(page.get_by_text("on the training data")).to_be_visible()
    stem = page.get_by_role("treeitem", name="conv_stem", exact=True)
    expect(stem).to_have_attribute("aria-description", re.compile("unchanged to the bit"))
    expect(stem.locator(".badge.good")).to_have_text("✓")

    page.locator("[data-testid=stTopNavLink]").nth(1).click()
    page.get_by_role("textbox", name="Filter").fill("sky")
    page.keyboard.press("Enter")
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download with all columns").click()
    download.value.save_as(tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="") as table:
        row = next(csv.DictReader(table))
    assert (row["data"], row["steps"], row["state"]) == ("sky.zip", "6", "done")


@pytest.mark.parametrize(("mib", "told"), [(40, "2 classes"), (52, "must be 50.0MB or smaller")])
def test_own_data_is_taken_up_to_what_the_page_promises(page_at, tmp_path, mib, told):
    """The page, the server in front of it and what keeps files have one limit; nobody meets a bare AxiosError."""
    table = tmp_path / "large.csv"
    rows = "".join(f"{'many words ' * 100}{i},{'good' if i % 2 else 'bad'}\n" for i in range(950 * mib))
    table.write_text("text,label\n" + rows)
    assert table.stat().st_size > mib * 2**20
    page = page_at("/?model=config:bert&task=sequence-classification&labels=2")
    page.get_by_role("combobox", name="Data").click()
    page.get_by_role("option", name=re.compile("your own")).click()
    page.locator(".st-key-w_own_data input[type=file]").set_input_files(table)
    expect(page.get_by_text(told)).to_be_visible(timeout=TRACED_MS)
    expect(page.get_by_text("AxiosError")).to_have_count(0)


def test_two_targets_stand_side_by_side_and_the_notebook_is_one(page_at, tmp_path):
    page = page_at(RESNET)
    pane(page, "Code")
    page.get_by_role("combobox", name="Compare with").click()
    page.get_by_role("option", name="lightning", exact=False).first.click()
    expect(page.locator("[data-testid=stCode]")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("button", name="As a notebook").click()
    download.value.save_as(tmp_path / "freeze.ipynb")
    assert json.loads((tmp_path / "freeze.ipynb").read_text())["nbformat"] == 4


def test_a_search_is_begun_from_compare(page_at):
    page = page_at("/compare?model=timm:resnet18")
    page.get_by_role("button", name="Try many with ResNet-18").click()
    expect(page.get_by_role("radio", name="Try many", exact=True)).to_be_checked()
    expect(page.get_by_role("button", name=re.compile("^Start 13 runs"))).to_be_visible()
    expect(page).to_have_url(re.compile("model=timm:resnet18"))
    expect(page.get_by_role("spinbutton", name="Steps")).to_have_value("40")
