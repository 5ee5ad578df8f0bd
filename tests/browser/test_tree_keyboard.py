"""The layer tree by keyboard alone."""

from playwright.sync_api import expect


def test_arrows_walk_and_fold_as_in_any_tree(tree_room):
    room = tree_room()
    keys = room.page.keyboard
    room.focus("layer1")
    keys.press("ArrowLeft")
    expect(room.row("layer1")).to_have_attribute("aria-expanded", "false")
    keys.press("ArrowRight")
    expect(room.row("layer1")).to_have_attribute("aria-expanded", "true")
    keys.press("ArrowRight")
    room.on("layer1.0")
    keys.press("ArrowLeft")
    room.on("layer1")
    keys.press("ArrowUp")
    room.on("bn1")
    keys.press("End")
    room.on("fc")
    keys.press("Home")
    room.on("conv1")
    keys.press("PageDown")
    room.on("fc")
    keys.press("PageUp")
    room.on("conv1")


def test_space_ticks_and_enter_folds(tree_room):
    room = tree_room()
    room.focus("layer1")
    room.page.keyboard.press("Space")
    room.has_state("layer1", "true")
    room.page.keyboard.press("Enter")
    expect(room.row("layer1")).to_have_attribute("aria-expanded", "false")
    room.page.keyboard.press("Space")
    room.has_state("layer1", "false")
    room.received(2)


def test_shift_ticks_a_range(tree_room):
    room = tree_room()
    room.focus("conv1")
    room.page.keyboard.press("Space")
    room.page.keyboard.press("ArrowDown")
    room.page.keyboard.press("ArrowDown")
    room.page.keyboard.press("ArrowDown")
    room.page.keyboard.press("Shift+Space")
    room.has_state("bn1", "true")
    room.has_state("layer1.0", "true")
    room.page.keyboard.press("Shift+ArrowDown")
    room.has_state("layer1", "true")
    room.has_state("layer2", "false")


def test_control_enter_ticks_every_block_and_control_z_takes_it_back(tree_room):
    room = tree_room()
    room.focus("layer1.0")
    room.page.keyboard.press("Control+Enter")
    room.has_state("layer4.1", "true")
    room.page.keyboard.press("Control+z")
    room.has_state("layer4.1", "false")
    room.page.keyboard.press("Control+y")
    room.has_state("layer4.1", "true")
    room.page.keyboard.press("Control+z")
    room.page.keyboard.press("Control+Shift+z")
    room.has_state("layer4.1", "true")


def test_letters_jump_to_names_and_reach_no_other_shortcut(tree_room):
    room = tree_room()
    room.focus("conv1")
    room.page.keyboard.type("layer3")
    room.on("layer3")
    room.page.keyboard.press("c")  # Streamlit's own key for clearing caches
    expect(room.page.get_by_role("dialog")).to_have_count(0)


def test_a_star_unfolds_the_row_and_its_siblings(tree_room):
    room = tree_room()
    room.focus("layer1")
    room.page.keyboard.press("*")
    expect(room.row("conv1.weight")).to_be_visible()
    expect(room.row("bn1.bias")).to_be_visible()


def test_slash_searches_and_escape_ends_it(tree_room):
    room = tree_room()
    room.focus("conv1")
    room.page.keyboard.press("/")
    expect(room.search).to_be_focused()
    room.page.keyboard.type("downsample")
    expect(room.row("conv1")).to_have_count(0)
    room.page.keyboard.press("ArrowDown")
    expect(room.tree).to_be_focused()
    room.page.keyboard.press("Escape")
    expect(room.search).to_have_value("")
    expect(room.row("conv1")).to_be_visible()


def test_tab_reaches_every_control_in_the_order_of_sight(tree_room):
    room = tree_room()
    room.tick("conv1")
    room.search.focus()
    reached = []
    for _ in range(8):
        room.page.keyboard.press("Tab")
        reached.append(
            room.page.evaluate("""() => {
                let at = document.activeElement;
                while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
                return at.getAttribute("aria-label") || at.textContent;
            }""")
        )
    names = ["Unfold the tree", "A tick goes", "Undo", "All layers", "Layers", "Keys"]
    starts = [next((name for name in names if text.startswith(name)), None) for text in reached]
    assert [name for name in starts if name] == names
