"""From ticks to rules: always exactly the mask, and for what people tick the words that they would use."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freezecore._presets import presets
from freezecore._resolve import resolve
from freezecore.mask import Mask
from freezecore.rules.grammar import parse_spec, print_spec
from freezecore.rules.shortest import shortest_rules
from freezecore.tree import LayerTree
from tests.freezecore.samples import NAMES, deep, load, tree_of


def ticked(text: str, tree: LayerTree) -> Mask:
    """The mask of some rules, without the rules."""
    return Mask(tree, resolve(parse_spec(text), tree).trains)


def assert_exact(mask: Mask) -> str:
    """The shortest rules of a mask, once they have been seen to give it, through text, without a conflict."""
    text = print_spec(shortest_rules(mask))
    back = resolve(parse_spec(text), mask.tree)
    assert back.trains == mask.trains
    assert back.conflicts == ()
    assert (back.norms, back.dropout) == (mask.norms, mask.dropout)
    return text


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("resnet18", "freeze layer1"),
        ("resnet18", "freeze conv1.weight"),
        ("resnet18", "freeze conv1 bn1 layer1"),
        ("resnet18", "freeze all; train head"),
        ("resnet18", "freeze all; train norms"),
        ("resnet18", "freeze all; train norms; train head"),
        ("resnet18", "freeze norms"),
        ("resnet18", "freeze biases"),
        ("resnet18", "freeze all; train biases"),
        ("resnet18", "freeze layer1 layer2 layer3"),
        ("resnet18", "freeze all; train layer4; train head"),
        ("resnet18", "freeze all; train layer4; freeze norms"),
        ("resnet18", "freeze *.conv2"),
        ("resnet18", "freeze all"),
        ("resnet18", "train all"),
        ("bert", "freeze embeddings; freeze blocks:0-2"),
        ("bert", "freeze embeddings"),
        ("bert", "freeze embeddings; freeze blocks:0-10"),
        ("bert", "freeze all; train head"),
        ("bert", "freeze all; train biases"),
        ("bert", "freeze all; train blocks:last2; train head"),
        ("bert", "freeze blocks:3"),
        ("bert", "freeze blocks:0,3"),
        ("bert", "freeze blocks:0-5; train norms"),
        ("bert", "freeze embeddings; freeze blocks:0-9; train biases"),
        ("bert", "freeze *.attention"),
        ("bert", "freeze all; train *.query *.value"),
        ("bert", "freeze bert.encoder.layer.[0-2].attention"),
        ("bert", "freeze bert.embeddings.word_embeddings.weight"),
        ("bert_base", "freeze embeddings; freeze blocks:0-2"),
        ("vit_tiny", "freeze embeddings; freeze blocks:0-2"),
        ("vit_tiny", "freeze pos_embed"),
        ("vit_tiny", "freeze all; train pos_embed; train head"),
        ("efficientnet_b0", "freeze *.se"),
        ("gpt2", "freeze embeddings; freeze blocks:0-2"),
        ("clip", "freeze vision_model"),
        ("clip", "freeze blocks@vision_model:0-2"),
        ("clip", "freeze embeddings; freeze blocks:0-2"),
    ],
)
def test_what_people_tick_comes_back_in_the_words_they_would_use(model, text):
    assert assert_exact(ticked(text, load(model))) == text


@pytest.mark.parametrize(
    ("model", "written", "shorter"),
    [
        ("resnet18", "freeze contains:layer1.0.", "freeze layer1.0"),
        ("resnet18", "freeze layer1.0 layer2.0 layer3.0 layer4.0", "freeze layer[1-4].0"),
        ("bert", "freeze bert", "freeze all; train head"),
        ("llama", "freeze model", "freeze all; train head"),
        (
            "efficientnet_b0",
            "freeze conv_stem bn1 blocks.0 blocks.1 blocks.2",
            "freeze conv_stem bn1; freeze stages:0-2",
        ),
    ],
)
def test_long_rules_come_back_shorter(model, written, shorter):
    assert assert_exact(ticked(written, load(model))) == shorter


@pytest.mark.parametrize("model", NAMES)
def test_every_preset_comes_back_as_at_most_four_rules(model):
    tree = load(model)
    for preset in presets(tree):
        text = assert_exact(ticked(preset.rules, tree))
        assert len(text.split("; ")) <= 4, text


def test_settings_are_kept():
    mask = resolve(parse_spec("freeze layer1; norms update; dropout on"), load("resnet18"))
    assert print_spec(shortest_rules(mask)) == "freeze layer1; norms update; dropout on"


def test_rules_are_relative_to_what_the_author_froze():
    tree = load("whisper")
    (position,) = [i for i, p in enumerate(tree.parameters) if p.frozen_by_author]
    name = tree.parameters[position].name
    assert assert_exact(ticked("", tree)) == "train all"
    everything = Mask(tree, (True,) * len(tree.parameters))
    assert assert_exact(everything) == f"train all; train {name}"
    alone = Mask(tree, tuple(i == position for i in range(len(tree.parameters))))
    assert assert_exact(alone) == f"freeze all; train {name}"


def test_a_model_whose_author_froze_everything_needs_no_rule():
    tree = load("resnet18")
    tree = replace(tree, parameters=tuple(replace(p, frozen_by_author=True) for p in tree.parameters))
    assert assert_exact(ticked("", tree)) == ""
    assert assert_exact(ticked("train fc.weight", tree)) == "train fc.weight"


def test_odd_names_come_back_too():
    tree = tree_of("a b.weight", "x;y.weight", "head.weight", "all", "c:d.e", 'q"q.w', "star*.w", "star1.w", "[0].w")
    for i in range(len(tree.parameters)):
        assert_exact(Mask(tree, tuple(k != i for k in range(len(tree.parameters)))))


def test_tied_tensors_under_many_paths_come_back_exact():
    tree = tree_of(
        "shared.weight",
        "encoder.up.weight",
        "encoder.down.weight",
        "decoder.up.weight",
        aliases={
            "shared.weight": ("encoder.embed.weight", "decoder.embed.weight"),
            "encoder.up.weight": ("x.up.weight",),
        },
    )
    for k in range(16):
        assert_exact(Mask(tree, tuple(bool(k >> i & 1) for i in range(4))))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), st.data())
def test_random_ticks_come_back_exact(model, data):
    tree = load(model)
    trains = data.draw(st.lists(st.booleans(), min_size=len(tree.parameters), max_size=len(tree.parameters)))
    assert_exact(Mask(tree, tuple(trains)))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), st.data())
def test_ticked_modules_come_back_exact(model, data):
    tree = load(model)
    paths = data.draw(st.lists(st.sampled_from(sorted(tree.below)), min_size=1, max_size=8))
    trains = [data.draw(st.booleans())] * len(tree.parameters)
    for path in paths:
        for i in tree.under(path):
            trains[i] = not trains[i]
    assert_exact(Mask(tree, tuple(trains)))


@pytest.mark.parametrize(
    "text",
    ["freeze embeddings; freeze blocks:0-155", "freeze all; train norms", "freeze blocks:0-100; train biases"],
)
def test_a_model_of_5000_parameters_comes_back_in_few_words(text):
    assert assert_exact(ticked(text, deep())) == text


def test_5000_scattered_ticks_come_back_exact():
    tree = deep()
    assert_exact(Mask(tree, tuple(i * i % 7 < 3 for i in range(len(tree.parameters)))))
