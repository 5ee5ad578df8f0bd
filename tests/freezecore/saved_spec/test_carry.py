"""Specs that travel: saved, read back, and applied where names have changed; the whole of them or nothing."""

import re
from dataclasses import replace

import pytest

from freezecore._export.spec import save_spec
from freezecore._resolve import resolve
from freezecore.errors import FreezeError
from freezecore.rules.grammar import parse_spec, print_spec
from freezecore.saved_spec import carry, load_spec
from freezecore.source import ModelSource
from freezecore.tree import LayerTree
from tests.freezecore.samples import load, tree_of

GRADUAL = "freeze all; train head; from epoch 1: train blocks:last2; from epoch 3: train all"


def saved(rules: str, tree: LayerTree):
    return load_spec(save_spec(parse_spec(rules), tree))


def frozen(spec, tree: LayerTree) -> set[str]:
    return set(resolve(spec, tree).names(trainable=False))


def respelt(tree: LayerTree, *changes: tuple[str, str]) -> LayerTree:
    """The tree with every path changed by regular expressions."""

    def new(text: str) -> str:
        for pattern, value in changes:
            text = re.sub(pattern, value, text)
        return text

    return replace(
        tree,
        parameters=tuple(replace(p, name=new(p.name), owner=new(p.owner)) for p in tree.parameters),
        layers=tuple(replace(layer, path=new(layer.path)) for layer in tree.layers),
        towers=tuple(
            replace(
                tower,
                path=new(tower.path),
                embeddings=tuple(map(new, tower.embeddings)),
                blocks=tuple(map(new, tower.blocks)),
                stages=(),
            )
            for tower in tree.towers
        ),
        head=tuple(map(new, tree.head)),
    )


OLD_VIT = (
    (r"\bvit\.layers\.", "vit.encoder.layer."),
    (r"\.attention\.q_proj\b", ".attention.attention.query"),
    (r"\.attention\.k_proj\b", ".attention.attention.key"),
    (r"\.attention\.v_proj\b", ".attention.attention.value"),
    (r"\.attention\.o_proj\b", ".attention.output.dense"),
    (r"\.mlp\.fc1\b", ".intermediate.dense"),
    (r"\.mlp\.fc2\b", ".output.dense"),
)


@pytest.mark.parametrize("rules", ["", "freeze all", "freeze layer1; norms update; dropout on", GRADUAL])
def test_a_saved_spec_reads_back_the_same_on_the_same_model(rules):
    tree = load("resnet18")
    back = saved(rules, tree)
    assert back.spec == parse_spec(rules)
    assert (back.source, back.fingerprint, back.versions) == (tree.source, tree.fingerprint, tree.versions)
    carried = carry(back, tree)
    assert (carried.same, carried.spec, carried.missing, carried.new) == (True, back.spec, (), ())


def test_the_file_says_for_each_parameter_what_the_rules_made_of_it():
    text = save_spec(parse_spec(GRADUAL), load("resnet18"))
    assert "  conv1.weight: 64x3x7x7 fft\n" in text
    assert "  fc.bias: 1000 ttt\n" in text
    assert "rules: |\n  freeze all\n  train head\n  from epoch 1: train blocks:last2\n" in text


def test_task_and_labels_travel_with_the_source():
    source = ModelSource.parse("config:bert", task="sequence-classification", num_labels=3)
    back = load_spec(save_spec(parse_spec("freeze embeddings"), load("bert"), source))
    assert back.model_source == source


def test_odd_and_tied_names_survive_the_file():
    tree = tree_of("a b.weight", "x: y.weight", 'q"q', "重み", "no", aliases={"no": ("yes.weight", "off")})
    back = saved("freeze no", tree)
    assert carry(back, tree).same
    assert next(p for p in back.parameters if "no" in p.names).names == ("no", "yes.weight", "off")


def test_roles_go_from_a_bare_model_to_one_with_a_head():
    carried = carry(saved("freeze embeddings; freeze blocks:0-2", load("bert_base")), load("bert"))
    assert print_spec(carried.spec) == "freeze embeddings; freeze blocks:0-2"
    assert (len(carried.mapped), carried.missing) == (199, ())
    assert carried.new == ("classifier.weight", "classifier.bias")
    assert not carried.same and carried.reason == ""


def test_paths_are_renamed_on_the_way_to_a_model_with_a_prefix():
    carried = carry(saved("freeze embeddings encoder.layer.0.attention", load("bert_base")), load("bert"))
    assert print_spec(carried.spec) == "freeze embeddings bert.encoder.layer.0.attention"
    assert "renamed" in carried.reason


def test_and_back_to_the_bare_model_what_is_missing_is_told():
    carried = carry(saved("freeze bert.embeddings; freeze blocks:0-2", load("bert")), load("bert_base"))
    assert carried.missing == ("classifier.weight", "classifier.bias")
    assert frozen(carried.spec, load("bert_base")) == {
        name.removeprefix("bert.") for name in frozen(parse_spec("freeze embeddings; freeze blocks:0-2"), load("bert"))
    }


def test_a_linear_probe_is_not_half_applied_where_there_is_no_head():
    carried = carry(saved("freeze all; train head", load("bert")), load("bert_base"))
    assert carried.spec is None
    assert carried.reason == "Everything that trained is missing here."


@pytest.mark.parametrize(
    "rules",
    [
        "freeze embeddings; freeze blocks:0-2",
        "freeze *.query",
        "freeze vit.encoder.layer.3 vit.embeddings",
        "freeze contains:encoder.layer.1.",
        "freeze all; train *.attention.output.dense; train head",
        "freeze all; train *.value *.intermediate.dense",
        r"freeze regex:encoder\.layer\.[0-3]\.output",
    ],
)
def test_a_vit_of_an_older_library_keeps_its_selection_under_the_new_names(rules):
    new = load("vit_hf")
    old = respelt(new, *OLD_VIT)
    carried = carry(saved(rules, old), new)
    by_position = {p.name: q.name for p, q in zip(old.parameters, new.parameters, strict=True)}
    assert dict(carried.mapped) == by_position
    assert frozen(carried.spec, new) == {by_position[name] for name in frozen(parse_spec(rules), old)}


def test_a_schedule_by_roles_survives_the_upgrade_and_one_by_lost_paths_is_refused():
    new = load("vit_hf")
    old = respelt(new, *OLD_VIT)
    assert carry(saved(GRADUAL, old), new).spec == parse_spec(GRADUAL)
    carried = carry(saved("freeze all; train head; from epoch 1: train *.query", old), new)
    assert carried.spec is None
    assert "schedule" in carried.reason


def test_a_new_head_is_new_and_a_replaced_one_is_the_same_place():
    tree = load("resnet18")
    smaller = replace(
        tree,
        parameters=tuple(
            replace(p, shape=(10, *p.shape[1:])) if p.name.startswith("fc") else p for p in tree.parameters
        ),
    )
    carried = carry(saved("freeze all; train head", tree), smaller)
    assert not carried.same
    assert (carried.missing, carried.new) == ((), ())
    assert print_spec(carried.spec) == "freeze all; train head"


def test_another_model_altogether_takes_nothing():
    carried = carry(saved("freeze layer1", load("resnet18")), load("gpt2"))
    assert carried.spec is None
    assert carried.mapped == ()


def test_a_spec_written_by_hand_needs_only_rules():
    carried = carry(load_spec("rules: freeze all; train head"), load("resnet18"))
    assert print_spec(carried.spec) == "freeze all; train head"
    with pytest.raises(FreezeError):
        carry(load_spec("rules: freeze nothing.here"), load("resnet18"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "[1, 2]",
        "rules: [freeze all]",
        "rules: frieze all",
        "a: &a [x]\nb: *a\nrules: freeze all",
        "a: &a [*a]\nrules: freeze all",
        "rules: freeze all\nparameters: [a]",
        "rules: freeze all\nparameters: {a: 2xx3 f}",
        "rules: freeze all\nparameters: {a: 2x3 f, b: 2x3 ft}",
        "rules: freeze all\nversions: 3",
        "freeze_explorer: 9\nrules: freeze all",
        "rules: !!python/object/apply:os.system [true]",
        "rules: 'freeze all",
        "\x00",
        "[" * 5_000,
        "rules: " + "freeze a; " * 1_000_000,
        "rules: freeze all\nparameters: {a: 2x3 f}\nnum_labels: .inf\nsource: 2024-13-45",
    ],
)
def test_a_file_that_is_no_spec_is_told_in_a_sentence(text):
    try:
        back = load_spec(text)
    except FreezeError as error:
        assert error.problem
    else:
        assert back.spec == parse_spec("freeze all")
        assert back.num_labels is None


def test_a_bomb_of_aliases_is_refused_before_it_is_built():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(FreezeError, match="alias"):
        load_spec("\n".join([*lines, "rules: freeze all"]))
