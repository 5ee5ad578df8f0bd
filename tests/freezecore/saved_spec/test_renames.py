"""Old names and new ones: the same, prefixed, or in the same place of a renamed layer."""

from freezecore.saved_spec.renames import renamed

SQUARE, FLAT = (8, 8), (8,)


def test_the_same_name_is_itself_even_with_another_shape():
    assert renamed({"fc.weight": SQUARE}, {"fc.weight": (3, 8)}) == {"fc.weight": "fc.weight"}


def test_a_prefix_more_or_less():
    bare = {"embed.weight": SQUARE, "layer.0.weight": SQUARE}
    headed = {"bert.embed.weight": SQUARE, "bert.layer.0.weight": SQUARE, "head.weight": FLAT}
    assert renamed(bare, headed) == {name: f"bert.{name}" for name in bare}
    assert renamed(headed, bare) == {f"bert.{name}": name for name in bare}


def test_another_vocabulary_under_another_prefix_is_the_same_place():
    old = {"bert.words.weight": (30, 8), "bert.a.weight": SQUARE, "bert.b.weight": FLAT}
    new = {"words.weight": (50, 8), "a.weight": SQUARE, "b.weight": FLAT}
    assert renamed(old, new)["bert.words.weight"] == "words.weight"


def test_layers_with_the_same_shapes_go_by_the_likest_name():
    old = {f"layer.{i}.{part}.weight": SQUARE for i in range(2) for part in ("query", "key", "value", "dense")}
    new = {f"blocks.{i}.{part}.weight": SQUARE for i in range(2) for part in ("v_proj", "k_proj", "q_proj", "o_proj")}
    found = renamed(old, new)
    assert found["layer.1.query.weight"] == "blocks.1.q_proj.weight"
    assert found["layer.0.key.weight"] == "blocks.0.k_proj.weight"
    assert found["layer.0.value.weight"] == "blocks.0.v_proj.weight"
    assert found["layer.1.dense.weight"] == "blocks.1.o_proj.weight"


def test_other_shapes_or_numbers_are_not_taken_for_each_other():
    assert renamed({"a.weight": SQUARE}, {"b.weight": FLAT}) == {}
    assert renamed({"a.0.weight": SQUARE}, {"b.0.weight": SQUARE, "b.1.weight": SQUARE}) == {}
    assert renamed({}, {"a": FLAT}) == {}


def test_no_new_name_is_used_twice():
    old = {"x.a.weight": SQUARE, "y.a.weight": SQUARE}
    new = {"z.a.weight": SQUARE}
    assert len(renamed(old, new)) <= 1


def test_a_layer_put_into_a_list_moves_the_numbers_behind_it():
    old = {"0.weight": SQUARE, "1.weight": FLAT, "1.bias": FLAT, "2.weight": (2, 8)}
    new = {"0.weight": SQUARE, "2.weight": FLAT, "2.bias": FLAT, "3.weight": (2, 8)}
    moved = {"0.weight": "0.weight", "1.weight": "2.weight", "1.bias": "2.bias", "2.weight": "3.weight"}
    assert renamed(old, new) == moved
    assert renamed(new, old) == {now: was for was, now in moved.items()}
    deeper = ({f"body.1.head.{name}": shape for name, shape in each.items()} for each in (old, new))
    assert renamed(*deeper)["body.1.head.2.weight"] == "body.1.head.3.weight"


def test_of_equal_members_the_numbers_stay():
    three = {f"blocks.{i}.weight": SQUARE for i in range(3)}
    two = {f"blocks.{i}.weight": SQUARE for i in range(2)}
    assert renamed(three, two) == {name: name for name in two}
    wider = {f"blocks.{i}.weight": (16, 16) for i in range(3)}
    assert renamed(three, wider) == {name: name for name in three}


def test_what_moved_to_the_next_stage_is_found_there():
    """As Swin's way down, which timm once kept at the end of a stage and now keeps at the start of the next."""
    down = {i: (4**i, 8) for i in range(3)}
    blocks = {f"layers.{i}.blocks.{j}.weight": (8, 2**i) for i in range(4) for j in range(2)}
    old = blocks | {f"layers.{i}.downsample.weight": shape for i, shape in down.items()} | {"head.weight": SQUARE}
    new = (
        blocks | {f"layers.{i + 1}.downsample.weight": shape for i, shape in down.items()} | {"head.fc.weight": SQUARE}
    )
    found = renamed(old, new)
    assert found["layers.0.downsample.weight"] == "layers.1.downsample.weight"
    assert found["layers.2.downsample.weight"] == "layers.3.downsample.weight"
    assert found["layers.1.blocks.0.weight"] == "layers.1.blocks.0.weight" and found["head.weight"] == "head.fc.weight"
