"""Findings about what moves without a gradient, each found and each silent."""

import pytest

from freezecore.workload import Workload
from tests.freezecore.review.cases import mends, reviewed
from tests.freezecore.samples import tree_of


def test_frozen_norms_that_go_on_moving_are_found_and_mended():
    finding = reviewed("resnet18", "freeze all; train head; norms update")["norms-move"]
    assert (finding.severity, finding.fix, finding.facts["count"]) == ("warning", "norms hold", "20")
    assert mends("resnet18", "freeze all; train head; norms update", "norms-move")


@pytest.mark.parametrize(
    ("model", "rules"),
    [
        ("resnet18", "freeze all; train head"),
        ("resnet18", "norms update"),
        ("resnet18", "freeze all; norms update"),
        ("bert", "freeze all; train head; norms update"),
    ],
)
def test_held_norms_and_norms_without_statistics_do_not_move(model, rules):
    assert "norms-move" not in reviewed(model, rules)


SCHEDULE = "freeze all; train head; {}from epoch 1: train all"


def test_norms_that_begin_to_move_in_a_later_phase_are_found_and_mended():
    rules = SCHEDULE.format("norms update; ")
    assert reviewed("resnet18", rules)["norms-move-midway"].facts["count"] == "20"
    assert mends("resnet18", rules, "norms-move-midway")


def test_a_schedule_that_holds_its_norms_is_silent():
    assert "norms-move-midway" not in reviewed("resnet18", SCHEDULE.format(""))
    assert "norms-move-midway" not in reviewed("bert", SCHEDULE.format("norms update; "))


def test_statistics_of_tiny_batches_are_noise():
    small, usual = Workload(batch_size=4), Workload(batch_size=32)
    finding = reviewed("resnet18", "freeze layer1", workload=small)["norms-small-batch"]
    assert finding.facts["batch"] == "4"
    assert mends("resnet18", "freeze layer1", "norms-small-batch", workload=small)
    assert "norms-small-batch" not in reviewed("resnet18", "freeze layer1", workload=usual)
    assert "norms-small-batch" not in reviewed("resnet18", "freeze all; train head", workload=small)
    assert "norms-small-batch" not in reviewed("bert", "freeze blocks:0", workload=small)


def test_dropout_left_on_in_frozen_layers_is_told():
    assert reviewed("bert", "freeze all; train head; dropout on")["dropout-on"].severity == "note"
    assert mends("bert", "freeze all; train head; dropout on", "dropout-on")
    assert "dropout-on" not in reviewed("bert", "freeze all; train head")
    assert "dropout-on" not in reviewed("resnet18", "freeze all; train head; dropout on")


@pytest.mark.parametrize(
    "names",
    [
        ("conv.parametrizations.weight.original0", "conv.parametrizations.weight.original1"),
        ("conv.weight_g", "conv.weight_v"),
    ],
)
def test_half_a_parametrization_freezes_nothing(names):
    tree = tree_of(*names, "other.weight")
    finding = reviewed(tree, f"freeze {names[0]}")["parametrization-split"]
    assert finding.facts["name"] == "conv.weight"
    assert mends(tree, f"freeze {names[0]}", "parametrization-split")
    assert "parametrization-split" not in reviewed(tree, "freeze conv")
