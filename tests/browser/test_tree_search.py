"""Search in the layer tree: what it finds is what it trains."""

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("conv1", 9),  # by name, the stem's and one in each block
        ("BatchNorm2d", 40),  # by class
        ("batchnorm bias", 20),  # every word must be met
        ("128x64", 2),  # by shape
        ("layer1 -conv", 8),  # a word that must be nowhere
        ("basicblock -layer4", 42),  # by the class of a module above
        ("*.bias", 21),
    ],
)
def test_words_meet_names_classes_and_shapes(tree_room, typed, count):
    room = tree_room()
    room.search.fill(typed)
    expect(room.page.get_by_text(f"{count} parameters match")).to_be_visible()


def test_all_matches_train_and_freeze_with_their_count_shown_before(tree_room):
    room = tree_room()
    room.search.fill("BatchNorm2d")
    train, freeze = (room.page.get_by_role("button", name=f"{verb} all 40") for verb in ("Train", "Freeze"))
    expect(freeze).to_be_disabled()
    train.click()
    room.received(42)
    expect(train).to_be_disabled()
    freeze.click()
    room.received(2)


def test_excluded_tensors_are_neither_counted_nor_ticked(tree_room):
    room = tree_room("bert")
    room.search.fill("attention -qkv")
    expect(room.page.get_by_text("4 parameters match")).to_be_visible()
    room.tick("bert.encoder.layer.0.attention")
    room.received(2)
    assert all("output" in name for name in room.names_received())


def test_modules_that_match_whole_stay_folded_and_others_open(tree_room):
    room = tree_room()
    room.search.fill("layer2.0.downsample")
    expect(room.row("layer2")).to_have_attribute("aria-expanded", "true")
    expect(room.row("layer2.0.downsample")).to_have_attribute("aria-expanded", "false")
    expect(room.page.get_by_role("treeitem")).to_have_count(3)


def test_a_search_that_finds_nothing_says_so_and_ends_with_the_rows_as_they_were(tree_room):
    room = tree_room()
    room.row("layer1").locator(".name").click()
    room.search.fill("nosuchlayer")
    expect(room.page.get_by_text("Nothing matches")).to_be_visible()
    expect(room.page.get_by_role("treeitem")).to_have_count(0)
    room.search.fill("")
    expect(room.row("layer1")).to_have_attribute("aria-expanded", "false")
    expect(room.row("layer2.0")).to_be_visible()


def test_what_the_author_froze_is_left_out_of_train_all(tree_room):
    room = tree_room("bert")
    room.search.fill("position")
    expect(room.page.get_by_role("button", name="Train all 0")).to_be_disabled()
