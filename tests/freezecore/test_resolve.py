"""From rules to a mask: exact sets on real trees, errors that name what was meant, towers, ties, phases."""

import pytest

from freezecore._resolve import resolve
from freezecore.errors import RuleError
from freezecore.rules.grammar import parse_spec
from freezecore.tree import LayerTree
from tests.freezecore.samples import deep, load, tree_of


def frozen(text: str, tree: LayerTree, epoch: int = 0) -> set[str]:
    return set(resolve(parse_spec(text), tree, epoch).names(trainable=False))


def names(tree: LayerTree, *starts: str) -> set[str]:
    return {p.name for p in tree.parameters if p.name.startswith(starts)}


def test_an_empty_spec_freezes_nothing():
    assert frozen("", load("resnet18")) == set()


def test_resnet18_has_62_parameters_and_freezes_one_by_its_name():
    tree = load("resnet18")
    assert len(tree.parameters) == 62
    assert frozen("freeze conv1.weight", tree) == {"conv1.weight"}


def test_what_contains_a_text_is_frozen_by_it():
    tree = load("resnet18")
    expected = {p.name for p in tree.parameters if "layer1.0." in p.name}
    assert len(expected) == 6
    assert frozen("freeze contains:layer1.0.", tree) == expected


@pytest.mark.parametrize("model", ["bert", "bert_base"])
def test_embeddings_and_first_three_layers_are_what_the_loop_over_names_freezes(model):
    tree = load(model)
    parts = ["embeddings.", *(f"encoder.layer.{i}." for i in range(3))]
    by_hand = {p.name for p in tree.parameters if any(part in p.name for part in parts)}
    assert len(by_hand) == 53
    assert frozen("freeze embeddings; freeze blocks:0-2", tree) == by_hand


def test_a_bare_model_is_frozen_where_a_dotted_text_misses_it():
    tree = load("bert_base")
    assert not any(".embeddings." in p.name for p in tree.parameters)
    assert len(frozen("freeze embeddings", tree)) == 5


@pytest.mark.parametrize(
    ("model", "text", "count"),
    [
        ("resnet101", "freeze layer3.1", 9),
        ("resnet101", "freeze layer3.1*", 99),
        ("resnet18", "freeze all; train head", 60),
        ("resnet18", "freeze norms", 40),
        ("resnet18", "freeze type:BatchNorm*", 40),
        ("resnet18", "freeze layer*.0 layer1", 39),
        ("bert", "freeze *.bias", 99),
        ("bert", "freeze biases", 99),
        ("bert", "freeze norms", 50),
        ("bert", r"freeze regex:^bert\.encoder\.layer\.[0-5]\.", 96),
        ("bert", "freeze blocks:0,3", 32),
        ("bert", "freeze blocks:last2", 32),
        ("bert", "freeze blocks:first20", 192),
        ("llama", "freeze norms", 65),
        ("t5", "freeze norms", 32),
        ("clip", "freeze blocks:0", 32),
        ("clip", "freeze blocks@vision_model:0", 16),
        ("resnet18", "freeze stages:0-1", 27),
    ],
)
def test_a_rule_hits_exactly_so_many(model, text, count):
    assert len(frozen(text, load(model))) == count


def test_the_last_rule_that_hits_wins():
    tree = load("resnet18")
    assert frozen("freeze layer1; train layer1.0; freeze layer1.0.bn1", tree) == names(tree, "layer1.1", "layer1.0.bn1")


def test_a_role_word_is_the_role_and_path_is_the_module():
    tree = load("convnext_tiny")
    assert frozen("freeze head", tree) == {"head.fc.weight", "head.fc.bias"}
    assert frozen("freeze path:head", tree) == names(tree, "head.")


@pytest.mark.parametrize(
    ("model", "text", "said"),
    [
        ("resnet18", "freeze layr1", "'layer1'"),
        ("resnet18", "freeze layer1.0.convv1", "'layer1.0.conv1'"),
        ("resnet18", "freeze Layer1", "'layer1'"),
        ("resnet18", "freeze layer10", "'layer1.0'"),
        ("bert", "freeze layer1", "'bert.encoder.layer.1'"),
        ("bert", "freeze encoder.layer[0].attention", "'bert.encoder.layer.0.attention'"),
        ("resnet18", "freeze act1", "holds no parameters"),
        ("resnet18", "freeze layer1.0.", "contains:layer1.0."),
        ("resnet18", "freeze conv1,bn1", "spaces between"),
        ("resnet18", "freeze conv1、bn1", "spaces between"),
        ("resnet18", "freeze all；train head", "half width"),
        ("resnet18", "freeze embeddings", "no embeddings"),
        ("resnet18", "freeze type:BatchNorm", "'BatchNorm2d'"),
        ("resnet18", "freeze contains:zzz", "Its names look like"),
        ("resnet18", "freeze blocks:0-9", "0 to 7"),
        ("resnet18", "freeze layer1 nope", "Its outermost parts are"),
        ("resnet18", "freeze backbone", "'freeze all; train head' freezes all but the head"),
        ("resnet18", "freeze all; train body", "'freeze all; train head' freezes all but the head"),
        ("bert", "freeze norm", "'norms'"),
        ("bert", "freeze encoder.layer", "'bert.encoder.layer'"),
        ("bert", "freeze blocks", "blocks:0-2"),
        ("bert", "freeze stages:0", "no stages"),
        ("bert_base", "freeze bert.encoder", "'encoder'"),
        ("bert_base", "train head", "no head"),
        ("clip", "freeze blocks@vision:0", "'vision_model'"),
        ("t5", "train biases", "no biases"),
        ("vit_tiny", "freeze regex:^vit", "Its names look like"),
        ("vit_tiny", "freeze blocks.0.attn.q_proj", "blocks.0.attn.qkv.weight"),
        ("vit_tiny", "freeze *.query", "trains whole or not at all"),
        ("bert", "freeze all; from epoch 3: train layer.9", "'bert.encoder.layer.9'"),
    ],
)
def test_a_selector_that_hits_nothing_is_an_error_that_names_what_was_meant(model, text, said):
    with pytest.raises(RuleError) as caught:
        resolve(parse_spec(text), load(model))
    assert said in caught.value.hint


def test_a_mistake_in_a_model_of_5000_parameters_is_told_too():
    with pytest.raises(RuleError) as caught:
        resolve(parse_spec("freeze bert.encoder.layer.7.attention.self.querry"), deep())
    assert "bert.encoder.layer.7.attention.self.query" in caught.value.hint


def test_an_empty_model_is_told_and_not_crashed_on():
    with pytest.raises(RuleError, match="no parameters"):
        resolve(parse_spec("freeze all"), LayerTree("empty", (), ()))
    assert resolve(parse_spec(""), LayerTree("empty", (), ())).trains == ()


def test_odd_names_are_reached_in_quotes():
    tree = tree_of("a b.weight", "x;y.weight", "ünï.重み", "star*.weight", "other.weight")
    assert frozen('freeze "a b" "x;y" ünï star*', tree) == set(tree.index) - {"other.weight"}


def test_train_reaches_what_the_author_froze_only_by_its_exact_name():
    tree = load("whisper")
    positions = next(p.name for p in tree.parameters if p.frozen_by_author)
    assert frozen("train all", tree) == {positions}
    assert frozen(f"train {positions}", tree) == set()
    with pytest.raises(RuleError) as caught:
        resolve(parse_spec(f"train {positions.removesuffix('.weight')}"), tree)
    assert f"train {positions}" in caught.value.hint


@pytest.mark.parametrize("text", ["freeze transformer.wte; train lm_head", "train lm_head; freeze transformer.wte"])
def test_a_conflict_between_two_names_of_one_tensor_is_told_in_either_order(text):
    mask = resolve(parse_spec(text), load("gpt2"))
    assert [conflict.name for conflict in mask.conflicts] == ["transformer.wte.weight"]
    assert set(mask.conflicts[0].rules) == set(text.split("; "))
    assert mask["lm_head.weight"] == mask["transformer.wte.weight"] == (text.split("; ")[-1].startswith("train"))


@pytest.mark.parametrize("text", ["freeze embeddings; train head", "train head; freeze embeddings"])
def test_roles_of_one_tied_tensor_conflict_as_well(text):
    assert len(resolve(parse_spec(text), load("gpt2")).conflicts) == 1


@pytest.mark.parametrize("text", ["freeze all; train head", "freeze all; train transformer.wte", "freeze blocks:0"])
def test_rules_that_take_all_names_of_a_tensor_are_no_side_of_a_conflict(text):
    assert resolve(parse_spec(text), load("gpt2")).conflicts == ()


def test_each_phase_joins_what_came_before():
    tree = load("bert")
    text = "freeze all; train head; from epoch 2: train blocks:last2; from epoch 4: train blocks:last4"
    counts = [len(tree.parameters) - len(frozen(text, tree, epoch)) for epoch in (0, 1, 2, 3, 4, 9)]
    assert counts == [2, 2, 34, 34, 66, 66]


def test_a_schedule_goes_on_holding_the_norms_of_its_first_phase():
    spec = parse_spec("freeze all; train head; from epoch 1: train all")
    first, later = (resolve(spec, load("resnet18"), epoch) for epoch in (0, 1))
    assert len(first.norms_held) == 20
    assert later.trainable == later.tree.total
    assert later.norms_held == first.norms_held
    moving = parse_spec("freeze all; train head; norms update; from epoch 1: train all")
    assert resolve(moving, load("resnet18"), 1).norms_held == ()


def test_hits_tell_what_each_rule_took():
    mask = resolve(parse_spec("freeze all; train norms head"), load("resnet18"))
    assert [(hit.rule, len(hit.positions)) for hit in mask.hits] == [("freeze all", 62), ("train norms head", 42)]
