"""The mask: what trains, what is held, and the one place that writes `requires_grad`."""

import pytest
import torch
from torch import nn

from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.tree import Layer, LayerTree, Parameter

TREE = LayerTree(
    source="small",
    layers=(
        Layer("", "Small"),
        Layer("stem", "Sequential"),
        Layer("stem.0", "Linear"),
        Layer("stem.1", "BatchNorm1d", moves=True),
        Layer("stem.2", "Dropout", drops=True),
        Layer("stem.3", "BatchNorm1d", moves=True),
        Layer("drop", "Dropout", drops=True),
        Layer("head", "Linear"),
    ),
    parameters=(
        Parameter("stem.0.weight", "stem.0", (4, 4)),
        Parameter("stem.0.bias", "stem.0", (4,), bias=True),
        Parameter("stem.1.weight", "stem.1", (4,), norm=True),
        Parameter("stem.1.bias", "stem.1", (4,), norm=True, bias=True),
        Parameter("head.weight", "head", (2, 4)),
        Parameter("head.bias", "head", (2,), bias=True),
    ),
)


def small() -> nn.Module:
    stem = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.BatchNorm1d(4, affine=False))
    model = nn.Module()
    model.stem, model.drop, model.head = stem, nn.Dropout(), nn.Linear(4, 2)
    return model


def test_the_mask_counts_scalars_and_names_parameters():
    mask = Mask.from_names(TREE, ["head.weight", "head.bias"])
    assert (mask.trainable, mask.frozen) == (10, 28)
    assert mask.names() == ("head.weight", "head.bias")
    assert [mask.state_of(path) for path in ("", "stem", "head", "head.bias")] == [
        "mixed",
        "frozen",
        "trainable",
        "trainable",
    ]


@pytest.mark.parametrize(
    ("trains", "norms", "dropout", "norms_held", "dropout_off"),
    [
        (["head.weight"], "hold", "off", ("stem.1", "stem.3"), ("stem.2",)),
        (["head.weight"], "update", "off", (), ("stem.2",)),
        (["head.weight"], "hold", "on", ("stem.1", "stem.3"), ()),
        (["stem.0.weight"], "hold", "off", ("stem.1",), ()),
        (["stem.1.bias"], "hold", "off", (), ()),
        ([], "hold", "off", ("stem.1", "stem.3"), ("stem.2", "drop")),
    ],
)
def test_a_module_in_which_nothing_trains_is_held_and_one_without_parameters_follows_its_parent(
    trains, norms, dropout, norms_held, dropout_off
):
    mask = Mask.from_names(TREE, trains, norms, dropout)
    assert mask.norms_held == norms_held
    assert mask.dropout_off == dropout_off


def test_applying_sets_every_flag_and_drops_stale_gradients():
    model = small()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    Mask.from_names(TREE, ["head.weight"]).apply_to(model)
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["head.weight"]
    assert [name for name, p in model.named_parameters() if p.grad is not None] == ["head.weight"]


def test_a_model_that_is_not_the_trees_is_refused_and_left_as_it_was():
    model = small()
    model.extra = nn.Linear(1, 1)
    with pytest.raises(
        FreezeError, match="The tree does not know 'extra.bias' .2 names differ., so nothing was changed"
    ):
        Mask.from_names(TREE, []).apply_to(model)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_name_that_the_tree_lacks_is_refused_with_the_nearest():
    with pytest.raises(FreezeError, match="small has no parameter 'haed.weight'. Did you mean 'head.weight'"):
        Mask.from_names(TREE, ["haed.weight"])
