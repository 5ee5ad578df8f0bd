"""Findings about what rules hit, each found and each silent."""

import pytest

from tests.freezecore.review.cases import marked, mends, reviewed
from tests.freezecore.samples import load


@pytest.mark.parametrize(
    ("model", "rules", "beyond"),
    [
        ("bert", "freeze contains:encoder.layer.1", 2),
        ("bert", "freeze bert.encoder.layer.1*", 2),
        ("bert", "freeze *.layer.1*", 2),
        ("bert", r"freeze regex:encoder\.layer\.1", 2),
        ("bert", "freeze regex:encoder.layer.1.", 2),
        ("resnet101", "freeze contains:layer3.1", 10),
        ("resnet101", "freeze layer3.1*", 10),
    ],
)
def test_a_text_that_ends_in_a_number_hits_layer_1_and_10(model, rules, beyond):
    finding = reviewed(model, rules)["index-prefix"]
    assert (finding.severity, len(finding.layers)) == ("warning", beyond)
    assert finding.fix.startswith("train ")


def test_its_fix_leaves_exactly_what_was_meant():
    from freezecore._resolve import resolve
    from freezecore.rules.grammar import parse_spec

    tree, rules = load("resnet101"), "freeze contains:layer3.1"
    fixed = resolve(parse_spec(f"{rules}; {reviewed(tree, rules)['index-prefix'].fix}"), tree)
    assert fixed.trains == resolve(parse_spec("freeze layer3.1"), tree).trains


@pytest.mark.parametrize(
    ("model", "rules"),
    [
        ("bert", "freeze bert.encoder.layer.1"),
        ("bert", "freeze contains:encoder.layer.1."),
        ("bert", r"freeze regex:encoder\.layer\.1\."),
        ("bert", "freeze blocks:1"),
        ("bert", "freeze bert.encoder.layer.*"),
        ("resnet18", "freeze contains:layer1"),
        ("resnet18", "freeze layer1*"),
        ("resnet18", "freeze *.conv1"),
    ],
)
def test_a_number_that_is_whole_hits_what_it_says(model, rules):
    assert "index-prefix" not in reviewed(model, rules)


@pytest.mark.parametrize("rules", ["freeze blocks:11", "freeze contains:encoder.layers.11.", "freeze *.layers.11"])
def test_a_rule_that_names_no_tower_hits_both(rules):
    finding = reviewed("clip", rules)["several-towers"]
    assert set(finding.layers) == {"text_model", "vision_model"}


@pytest.mark.parametrize(
    ("model", "rules"),
    [
        ("clip", "freeze blocks@vision_model:11"),
        ("clip", "freeze vision_model"),
        ("clip", "freeze norms"),
        ("clip", "freeze all; train contains:text_model.encoder.layers.11."),
        ("bert", "freeze blocks:11"),
    ],
)
def test_one_tower_or_a_role_is_no_surprise(model, rules):
    assert "several-towers" not in reviewed(model, rules)


def test_a_rule_that_later_rules_undo_is_found():
    assert reviewed("resnet18", "train head; freeze all")["rule-without-effect"].facts == {"rule": "train head"}
    assert "rule-without-effect" not in reviewed("resnet18", "freeze all; train head")


def test_a_range_longer_than_the_model_is_told():
    assert reviewed("bert", "freeze blocks:first20")["positions-beyond"].facts["count"] == "12"
    assert "positions-beyond" not in reviewed("bert", "freeze blocks:first12")


def test_parameters_that_nothing_reads_should_not_train():
    tree = marked(load("bert"), "bert.pooler", used=False)
    assert len(reviewed(tree, "freeze embeddings")["unused-ddp"].layers) == 2
    assert mends(tree, "freeze embeddings", "unused-ddp")
    assert "unused-ddp" not in reviewed(tree, "freeze all; train head")
    assert "unused-ddp" not in reviewed("bert", "freeze embeddings")


def test_a_schedule_must_be_wrapped_anew_on_several_gpus():
    rules = "freeze all; train head; from epoch 2: train blocks:last2; from epoch 5: train all"
    assert reviewed("bert", rules)["schedule-ddp"].facts == {"epochs": "2, 5"}
    assert "schedule-ddp" not in reviewed("bert", "freeze all; train head")


def test_rules_that_only_train_are_told_that_everything_does():
    found = reviewed("resnet18", "train norms")["trains-anyway"]
    assert found.fix == "freeze all; train norms" and found.severity == "warning"
    assert "trains-anyway" in reviewed("bert", "train blocks:last2; train head")
    for rules in ("train all", "freeze all; train norms", "train norms; freeze conv1", "freeze conv1", ""):
        assert "trains-anyway" not in reviewed("resnet18", rules), rules
