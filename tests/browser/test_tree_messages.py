"""The layer tree and Python: what travels, in which order, and what happens to nonsense."""

from playwright.sync_api import expect

CONV1 = 9_408


def test_python_receives_a_tick_once(tree_room):
    room = tree_room()
    room.tick("conv1")
    room.received(3)
    room.settled()
    assert room.changes_received() == 1


def test_fast_ticks_never_flicker_and_the_last_state_arrives(tree_room):
    room = tree_room()
    room.page.evaluate("""() => {
        const row = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot
            .querySelector('[aria-label=conv1]');
        window.seen = [];
        new MutationObserver(() => window.seen.push(row.getAttribute('aria-checked')))
            .observe(row, { attributes: true, attributeFilter: ['aria-checked'] });
    }""")
    for _ in range(15):
        room.tick("conv1")
    room.has_state("conv1", "true")
    room.received(3)
    room.settled()
    seen = room.page.evaluate("window.seen")
    assert seen == ["true" if i % 2 == 0 else "false" for i in range(15)]


def test_what_python_sends_reaches_the_boxes_and_can_be_undone(tree_room):
    room = tree_room()
    room.tick("conv1")
    room.received(3)
    room.page.get_by_role("button", name="All", exact=True).click()
    room.has_state("layer3", "true")
    room.received(62)
    room.page.get_by_role("button", name="None", exact=True).click()
    room.has_state("layer3", "false")
    room.trains(0)
    room.page.get_by_role("button", name="All", exact=True).click()
    room.has_state("layer3", "true")
    room.page.get_by_role("button", name="Undo").click()
    room.has_state("layer3", "false")
    room.received(0)


def test_5000_parameters_keep_few_rows_in_the_document(tree_room):
    room = tree_room("experts")
    room.page.get_by_role("combobox", name="Unfold the tree").select_option(label="everything")
    room.tree.evaluate("tree => { tree.scrollTop = tree.scrollHeight }")
    expect(room.row("encoder.block.7.mlp.experts.expert_155.wo.bias")).to_be_visible()
    assert room.page.get_by_role("treeitem").count() < 60
    room.tick("encoder.block.7.mlp.experts.expert_155.wo.bias")
    room.received(1)


def test_a_tick_moves_few_bytes_and_a_preset_does_not_send_the_tree_again(serve, browse, tree_room):
    room = tree_room("experts")
    down = []
    room.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: down.append(len(frame))))
    room.page.reload()
    expect(room.row("encoder")).to_be_visible()
    room.settled()
    first = sum(down)
    down.clear()
    room.tick("embed")
    room.received(1)
    room.settled()
    assert sum(down) < 10_000
    down.clear()
    room.page.get_by_role("button", name="All", exact=True).click()
    room.received(5001)
    room.settled()
    assert sum(down) < 20_000
    assert first < 300_000


def test_hostile_states_are_passed_over(tree_room):
    room = tree_room()
    room.tick("conv1")
    room.received(3)
    room.page.evaluate("window.channels.get('tree').receive({ part: 'ticks', tree: 'another', bits: '', sequence: 9 })")
    room.has_state("conv1", "true")
    room.tick("bn1")
    room.received(5)


def test_a_new_tree_takes_the_place_of_the_old_one(tree_room, serve):
    room = tree_room("resnet")
    room.tick("conv1")
    room.page.goto(room.page.url.replace("resnet", "bert"))
    expect(room.row("bert")).to_be_visible()
    room.settled()
    room.tick("bert.encoder.layer.0")
    room.received(8)


def test_another_language_keeps_what_was_unfolded_undone_and_searched(tree_room):
    room = tree_room()
    room.tick("conv1")
    room.unfold("layer1.0")
    room.search.fill("bn1")
    room.page.get_by_role("button", name="日本語").click()
    expect(room.status).to_contain_text("学習する重み")
    expect(room.search).to_have_value("bn1")
    room.search.fill("")
    expect(room.row("layer1.0")).to_have_attribute("aria-expanded", "true")
    room.page.get_by_role("button", name="元に戻す").click()
    room.has_state("conv1", "false")
