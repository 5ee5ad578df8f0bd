"""The whole page by keyboard alone: each control is reached in the order of sight, shows its focus, and works."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.page_room import RESNET, TRAINED_MS, rules, settled, traced

WALK = (Path(__file__).parent / "focus.js").read_text()
MOST_TABS = 150


def walked(page: Page) -> list[dict]:
    """What Tab reaches from the top of the page to its end: what it is, and whether its focus shows."""
    page.evaluate(WALK)
    page.evaluate("focusWalk.begin()")
    stops = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        stop = page.evaluate("focusWalk.here()")
        if stop is None:
            return stops
        stops.append(stop)
    raise AssertionError(f"Tab does not leave the page after {MOST_TABS} steps: {[stop['name'] for stop in stops]}")


def test_tab_reaches_every_control_in_the_order_of_sight_with_its_focus_in_sight(page_at):
    page = page_at(RESNET, reduced_motion="reduce")  # a border that changes slowly has not changed yet
    traced(page)
    settled(page)
    stops = walked(page)
    assert page.evaluate("focusWalk.missed()") == []
    assert [stop["name"] for stop in stops if not stop["shown"]] == []
    names = [stop["name"] for stop in stops]
    order = ["Explore", "Model", "Batch size", "Language", "Copy link", "Layers", "The same as rules", "Try it", "Data"]
    places = [next(i for i, name in enumerate(names) if name.startswith(part)) for part in order]
    assert places == sorted(places), names


def reach(page: Page, control: Locator) -> None:
    """Tab until the control, or something in it, has the focus."""
    expect(control).to_be_visible(timeout=TRAINED_MS)
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if has_focus(control):
            return
    raise AssertionError(f"Tab never reaches {control}")


def has_focus(control: Locator) -> bool:
    return control.evaluate("e => e.matches(':focus, :focus-within')")


def press(page: Page, name: str) -> None:
    reach(page, page.get_by_role("button", name=name))
    page.keyboard.press("Enter")


def choose(page: Page, name: str) -> None:
    """Tab to a group of choices, walk to the one of this name by arrows, and take it."""
    choice = page.get_by_role("radio", name=name, exact=True)
    reach(page, page.get_by_role("radiogroup").filter(has=choice))
    for _ in range(MOST_TABS):
        if has_focus(choice):
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")


def test_layers_are_ticked_tried_stopped_and_their_code_copied_without_a_mouse(page_at):
    page = page_at("/?size=128&batch=16", permissions=["clipboard-read", "clipboard-write"])
    keys = page.keyboard
    traced(page)
    choose(page, "All")
    expect(rules(page)).to_have_value("train all")
    tree = page.get_by_role("tree", name="Layers", exact=True)
    reach(page, tree)
    keys.press("End")
    keys.press("Home")
    keys.press("Space")
    expect(page.get_by_role("treeitem", name="conv_stem", exact=True)).to_have_attribute("aria-checked", "false")
    expect(rules(page)).to_have_value(re.compile("^freeze .*stem"))

    reach(page, page.get_by_role("spinbutton", name="Steps"))
    keys.press("Control+a")
    keys.type("400")
    keys.press("Enter")
    settled(page)
    press(page, "Train for a minute")
    expect(page.get_by_text(re.compile(r"step \d+ of 400"))).to_be_visible(timeout=TRAINED_MS)
    press(page, "Stop")
    expect(page.get_by_text(re.compile(r"Stopped after \d+ steps"))).to_be_visible(timeout=TRAINED_MS)

    choose(page, "Code")
    expect(page.locator("[data-testid=stCode]")).to_contain_text("def trains")
    press(page, "Copy to clipboard")
    copied = page.wait_for_function("navigator.clipboard.readText()").json_value()
    assert "stem" in copied and "def trains" in copied
