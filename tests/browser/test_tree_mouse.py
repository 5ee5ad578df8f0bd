"""The layer tree by mouse and finger."""

from playwright.sync_api import expect

FC = 513_000  # scalars of resnet18's head, which trains when the page opens
CONV1 = 9_408


def test_the_page_opens_unfolded_to_blocks_with_its_sum_in_words(tree_room):
    room = tree_room()
    expect(room.status).to_contain_text("513,000 of 11,689,512 parameters train")
    expect(room.row("layer1.1")).to_be_visible()
    expect(room.row("layer1.1.conv1")).to_have_count(0)
    room.has_state("fc", "true")
    room.has_state("layer1", "false")


def test_a_module_trains_with_all_below_it_and_freezes_again(tree_room):
    room = tree_room()
    room.tick("layer1")
    for path in ("layer1", "layer1.0", "layer1.1"):
        room.has_state(path, "true")
        expect(room.row(path).locator(".state")).to_have_text("trains")
    room.trains(FC + 147_968)
    room.received(2 + 12)
    room.tick("layer1")
    room.has_state("layer1", "false")
    room.received(2)


def test_a_single_parameter_leaves_the_modules_above_it_mixed(tree_room):
    room = tree_room()
    room.unfold("layer1.0", "layer1.0.conv1")
    room.tick("layer1.0.conv1.weight")
    for path in ("layer1.0.conv1.weight", "layer1.0.conv1"):
        room.has_state(path, "true")
    for path in ("layer1.0", "layer1"):
        room.has_state(path, "mixed")
    room.received(3)
    assert "layer1.0.conv1.weight" in room.names_received()


def test_a_mixed_module_trains_whole_before_it_freezes(tree_room):
    room = tree_room()
    room.tick("layer1.0")
    room.tick("layer1")
    room.has_state("layer1", "true")
    room.tick("layer1")
    room.has_state("layer1", "false")


def test_shift_carries_the_last_tick_over_a_range(tree_room):
    room = tree_room()
    room.tick("conv1")
    room.tick("layer2.0", modifiers=["Shift"])
    for path in ("bn1", "layer1.0", "layer1.1", "layer2.0"):
        room.has_state(path, "true")
    room.has_state("layer2.1", "false")
    room.has_state("layer2", "mixed")


def test_a_drag_over_the_boxes_paints_them_in_one_stroke(tree_room):
    room = tree_room()
    room.box("conv1").hover()
    room.page.mouse.down()
    room.box("layer1.1").hover()
    room.page.mouse.up()
    for path in ("conv1", "bn1", "layer1", "layer1.0", "layer1.1"):
        room.has_state(path, "true")
    room.has_state("layer2", "false")
    room.page.get_by_role("button", name="Undo").click()
    room.has_state("conv1", "false")
    room.trains(FC)


def test_one_tick_reaches_the_same_place_in_every_block(tree_room):
    room = tree_room()
    room.unfold("layer1.0")
    room.tick("layer1.0.bn2", modifiers=["Alt"])
    room.received(2 + 8 * 2)
    assert "layer4.1.bn2.bias" in room.names_received()
    room.page.get_by_role("button", name="Freeze in all 8 blocks").click()
    room.received(2)


def test_the_every_block_switch_makes_plain_ticks_reach_every_block(tree_room):
    room = tree_room()
    switch = room.page.get_by_role("button", name="A tick goes to")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    room.tick("layer1.0")
    room.has_state("layer4", "true")
    room.has_state("conv1", "false")
    switch.click()
    room.tick("layer1.0")
    room.has_state("layer4", "true")


def test_undo_and_redo_walk_through_the_ticks(tree_room):
    room = tree_room()
    undo, redo = (room.page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    expect(undo).to_be_disabled()
    room.tick("conv1")
    room.tick("bn1")
    undo.click()
    room.has_state("bn1", "false")
    room.has_state("conv1", "true")
    redo.click()
    room.has_state("bn1", "true")
    expect(redo).to_be_disabled()
    room.received(2 + 3)


def test_the_box_above_takes_everything(tree_room):
    room = tree_room()
    everything = room.page.get_by_role("checkbox", name="All layers")
    expect(everything).to_have_attribute("aria-checked", "mixed")
    everything.click()
    expect(everything).to_have_attribute("aria-checked", "true")
    room.received(62)
    everything.click()
    room.trains(0)
    room.received(0)


def test_the_tree_unfolds_to_a_depth(tree_room):
    room = tree_room()
    depth = room.page.get_by_role("combobox", name="Unfold the tree")
    depth.select_option(label="to depth 1")
    expect(room.row("layer1")).to_have_attribute("aria-expanded", "false")
    depth.select_option(label="everything")
    expect(room.row("layer1.0.conv1.weight")).to_be_visible()
    depth.select_option(label="to blocks")
    expect(room.row("layer1.0.conv1.weight")).to_have_count(0)
    expect(room.row("layer1.0")).to_be_visible()


def test_a_finger_ticks_only_when_it_lifts(tree_room):
    room = tree_room(has_touch=True, width=400)
    room.box("conv1").tap()
    room.has_state("conv1", "true")
    room.received(3)
    room.row("layer1").locator(".name").tap()
    expect(room.row("layer1")).to_have_attribute("aria-expanded", "false")


def test_what_the_author_froze_trains_only_by_its_own_box(tree_room):
    room = tree_room("bert")
    positions = "bert.embeddings.position_embeddings"
    room.tick("bert")
    room.unfold("bert.embeddings")
    room.has_state("bert.embeddings", "mixed")
    room.has_state(positions, "false")
    room.tick(positions)
    room.has_state(positions, "false")
    expect(room.page.get_by_text("The model's author froze this")).to_be_visible()
    room.unfold(positions)
    room.tick(f"{positions}.weight")
    room.has_state("bert", "true")
    room.tick("bert")
    room.has_state(f"{positions}.weight", "false")


def test_tied_names_are_one_tensor_counted_once(tree_room):
    room = tree_room("bert")
    room.unfold("cls", "cls.decoder", "bert.embeddings", "bert.embeddings.word_embeddings")
    room.tick("cls.decoder.weight")
    room.has_state("bert.embeddings.word_embeddings.weight", "true")
    room.trains(30_522 * 768)
    room.received(1)


def test_every_mark_stands_at_its_row_in_words(tree_room):
    room = tree_room("bert", annotations=True)
    room.page.get_by_role("combobox", name="Unfold the tree").select_option(label="everything")
    expect(room.row("bert.embeddings.word_embeddings.weight").locator(".badge")).to_have_text(["!", "tied"])
    expect(room.row("bert.embeddings.position_embeddings.weight").locator(".badge")).to_have_text("author froze")
    expect(room.row("bert.encoder.layer.0.attention.qkv.weight").locator(".badge")).to_have_text("fused")
    expect(room.row("bert.encoder.layer.0").locator(".badge.good")).to_have_attribute("title", "unchanged to the bit")
    expect(room.row("bert.encoder").locator(".price")).to_have_text("+1.2 GB")
    room.tree.evaluate("tree => { tree.scrollTop = tree.scrollHeight }")
    expect(room.row("cls.transform.bias").locator(".badge")).to_have_text(["✕", "new"])
    expect(room.row("cls").locator(".badge")).to_have_text(["✕", "head"])
