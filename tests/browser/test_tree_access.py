"""The layer tree for those who do not see it, see it small, or see it otherwise."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from app.text import LANGUAGES


def test_the_accessibility_tree_reads_as_the_model_does(tree_room):
    room = tree_room("bert")
    room.tick("bert.encoder.layer.0")
    expect(room.tree).to_match_aria_snapshot("""
        - tree "Layers":
          - treeitem "bert" [checked=mixed] [expanded] [level=1]
          - treeitem "bert.embeddings" [level=2]
          - treeitem "bert.encoder" [checked=mixed] [expanded] [level=2]
          - treeitem "bert.encoder.layer" [checked=mixed] [expanded] [level=3]
          - treeitem "bert.encoder.layer.0" [checked] [level=4]
          - treeitem "bert.encoder.layer.1" [level=4]
          - treeitem "cls" [level=1]
    """)
    row = room.row("bert.encoder.layer.0")
    expect(row).to_have_attribute("aria-posinset", "1")
    expect(row).to_have_attribute("aria-setsize", "2")
    said = "BertLayer, 4,723,968 parameters, trains, the block nearest the input"
    expect(row).to_have_accessible_description(said)
    expect(room.status).to_have_attribute("role", "status")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tree_room, lang, scheme):
    room = tree_room("bert", lang=lang, annotations=True, scheme=scheme)
    room.tick("bert.encoder.layer.0")
    room.page.get_by_role("combobox").select_option(index=4)
    room.settled()
    assert violations(room) == []
    room.search.fill("bias")
    assert violations(room) == []


def violations(room) -> list[str]:
    found = Axe().run(room.page).response["violations"]
    return [f"{v['id']}: {node['target']} {node['failureSummary']}" for v in found for node in v["nodes"]]


def test_japanese_speaks_japanese(tree_room):
    room = tree_room(lang="ja")
    expect(room.status).to_contain_text("学習する重み 513,000 / 全 11,689,512")
    expect(room.row("fc").locator(".state")).to_have_text("学習")
    expect(room.row("conv1").locator(".state")).to_have_text("凍結")


@pytest.mark.parametrize("width", [360, 480, 768, 2560])
def test_nothing_sticks_out_at_any_width(tree_room, width):
    room = tree_room("bert", annotations=True, width=width)
    sticking = room.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert sticking <= 0
    inside = room.tree.evaluate("tree => tree.scrollWidth - tree.clientWidth")
    assert inside <= 0
    expect(room.row("bert").locator(".count")).to_be_visible()


def test_motion_stops_for_those_who_ask(tree_room):
    room = tree_room(reduced_motion="reduce")
    assert room.tree.locator(".caret svg").first.evaluate("e => getComputedStyle(e).transitionDuration") == "0s"
