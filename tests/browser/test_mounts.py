"""Components under Streamlit's calls in any order: one that was overtaken ends late, and ends nothing but itself."""

import itertools

import pytest

from app.components import copy_link, tree
from app.components.scripts import JS, script
from app.components.tree.bits import encode
from app.components.tree.packed import pack
from app.text import LANGUAGES
from tests.browser.apps.trees import bert, resnet

LOAD = """async (code) => {
  window.component = (await import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })))).default;
  document.body.innerHTML = '<div id=room></div>';
}"""
# Calls by letter, in order; a small letter ends the call of that letter.
CALLS = """([order, datas]) => {
  const parentElement = document.querySelector('#room');
  const ends = {};
  for (const one of order) {
    if (one in datas) ends[one] = window.component({ data: datas[one], parentElement, setStateValue: () => {} });
    else ends[one.toUpperCase()]();
  }
}"""


def orders() -> list[str]:
    """Calls A and B in either order, A overtaken by B and so ended at some moment after it was made."""
    return ["".join(one) for one in itertools.permutations("ABa") if one.index("A") < one.index("a")]


@pytest.fixture
def room(chromium):
    page = chromium.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("order", orders())
def test_the_tree_that_stays_is_the_newest_and_takes_ticks(room, order):
    room.evaluate(LOAD, script(tree.HERE / "js", tree.MODULES))
    models = {"A": resnet(), "B": bert()}
    words = tree.tree_strings(LANGUAGES[0])
    datas = {
        letter: {"channel": "layers", "tree": model.fingerprint, "words": words, "height": "300px", **pack(model).data}
        for letter, model in models.items()
    }
    room.evaluate(CALLS, [order, datas])
    assert room.locator("section.tree").count() == 1
    assert room.locator("[role=treeitem]").first.get_attribute("aria-label") == "bert"
    ticks = {"part": "ticks", "tree": models["B"].fingerprint, "sequence": 1}
    ticks["bits"] = encode([True] * len(models["B"].parameters))
    room.evaluate("part => window.channels.get('layers').receive(part)", ticks)
    assert room.locator("[role=treeitem]").first.get_attribute("aria-checked") == "true"
    room.locator("[role=treeitem] .box").first.click()
    assert room.locator("[role=treeitem]").first.get_attribute("aria-checked") == "false"


@pytest.mark.parametrize("order", orders())
def test_the_messages_that_stay_are_the_newest(room, order):
    room.evaluate(LOAD, script(JS, ["feed"]))
    part = {"channel": "numbers", "part": "selection"}
    room.evaluate(CALLS, [order, {letter: {"parts": [{**part, "of": letter}]} for letter in "AB"}])
    assert room.evaluate("window.channels.get('numbers').parts.selection.of") == "B"


@pytest.mark.parametrize("order", orders())
def test_the_address_is_still_kept_by_the_newest_call(room, order):
    room.evaluate(LOAD, script(copy_link.HERE / "js", ["copy_link"]))
    html = "<button><span></span></button><i role=status></i>"
    room.evaluate("html => { document.querySelector('#room').innerHTML = html }", html)
    room.evaluate(CALLS, [order, {letter: {"channel": "address", "label": letter} for letter in "AB"}])
    assert room.evaluate("window.channels.get('address').receive !== null")
    assert room.locator("button").inner_text() == "B"
