"""Held modules stay in eval mode, whatever calls `train()`, and nothing else about the model changes."""

import copy
import pickle

import pytest
import torch
from torch import nn

from freezecore.mask import Mask
from freezecore.runtime.own.hold import hold
from freezecore.runtime.tree.read import read_module


def head_only(model, **choices):
    """The mask in which only the parameters of `head` train."""
    tree = read_module(model)
    return Mask.from_names(tree, [p.name for p in tree.parameters if p.name.startswith("head")], **choices)


class Scaled(nn.Sequential):
    """Holds a parameter, since a norm without any follows its nearest parent that has some."""

    def __init__(self, *layers):
        super().__init__(*layers)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        for layer in self:
            x = layer(x)
        return x * self.scale


class Net(nn.Module):
    """A body with some normalisation, and a head."""

    def __init__(self, norm, shape=(4, 6, 8, 8)):
        super().__init__()
        self.shape = shape
        self.body = Scaled(norm, nn.Dropout(0.5))
        self.head = nn.Linear(shape[1], 2)

    def forward(self, x):
        return self.head(self.body(x).flatten(2).mean(2))


def wide_norm():
    from timm.layers import BatchNormAct2d

    return BatchNormAct2d(6)


NORMS = {
    "BatchNorm1d": (lambda: nn.BatchNorm1d(6), (4, 6, 8)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(6), (4, 6, 8, 8)),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(6), (4, 6, 4, 4, 4)),
    "BatchNorm without parameters": (lambda: nn.BatchNorm2d(6, affine=False), (4, 6, 8, 8)),
    "timm's BatchNormAct2d": (wide_norm, (4, 6, 8, 8)),
    "SyncBatchNorm": (lambda: nn.SyncBatchNorm(6), (4, 6, 8, 8)),
    "InstanceNorm with statistics": (lambda: nn.InstanceNorm2d(6, track_running_stats=True), (4, 6, 8, 8)),
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Conv2d(6, 6, 3)), (4, 6, 8, 8)),
    "spectral norm, old": (lambda: nn.utils.spectral_norm(nn.Conv2d(6, 6, 3)), (4, 6, 8, 8)),
}


@pytest.mark.parametrize("name", NORMS)
def test_buffers_under_a_held_module_do_not_move(name):
    make, shape = NORMS[name]
    model = Net(make(), shape)
    mask = head_only(model)
    assert any(layer.moves for layer in mask.tree.layers)
    with hold(model, mask):
        model.train()
        before = {key: tensor.clone() for key, tensor in model.named_buffers()}
        assert before
        for _ in range(2):
            model.train()
            model(torch.randn(shape)).sum().backward()
        assert all(torch.equal(tensor, before[key]) for key, tensor in model.named_buffers())


@pytest.mark.parametrize("name", [name for name in NORMS if name != "SyncBatchNorm"])
def test_without_a_hold_the_same_buffers_do_move(name):
    make, shape = NORMS[name]
    model = Net(make(), shape).train()
    before = {key: tensor.clone() for key, tensor in model.named_buffers()}
    model(torch.randn(shape))
    assert any(not torch.equal(tensor, before[key]) for key, tensor in model.named_buffers())


def test_no_module_is_swapped_and_no_key_changes():
    model = Net(nn.BatchNorm2d(6))
    modules, keys = list(model.modules()), list(model.state_dict())
    with hold(model, head_only(model)):
        model.train()
        assert list(model.modules()) == modules
        assert list(model.state_dict()) == keys


def test_a_held_body_answers_as_in_eval_mode_and_the_head_trains():
    model = Net(nn.BatchNorm2d(6))
    x = torch.randn(model.shape)
    expected = model.eval().body(x)
    with hold(model, head_only(model)):
        model.train()
        assert model.head.training
        assert torch.equal(model.body(x), expected)


@pytest.mark.parametrize(("choices", "norm", "drop"), [
    ({}, False, False),
    ({"norms": "update"}, True, False),
    ({"dropout": "on"}, False, True),
    ({"norms": "update", "dropout": "on"}, True, True),
])  # fmt: skip
def test_norms_and_dropout_are_chosen_apart(choices, norm, drop):
    model = Net(nn.BatchNorm2d(6))
    with hold(model, head_only(model, **choices)):
        model.train()
        assert (model.body[0].training, model.body[1].training) == (norm, drop)


def test_release_gives_the_modules_back_as_they_were():
    model = Net(nn.BatchNorm2d(6)).train()
    holding = hold(model, head_only(model))
    holding.release()
    holding.release()
    assert all(module.training for module in model.modules())
    assert not any("train" in vars(module) for module in model.modules())


def test_a_second_hold_replaces_the_first():
    model = Net(nn.BatchNorm2d(6))
    hold(model, head_only(model))
    everything = read_module(model)
    hold(model, Mask(everything, (True,) * len(everything.parameters)))
    model.train()
    assert all(module.training for module in model.modules())


def test_a_held_model_still_copies_and_pickles():
    model = Net(nn.BatchNorm2d(6))
    with hold(model, head_only(model)):
        for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            twin.train()
            assert not twin.body[0].training and not twin.body[1].training
            assert twin.head.training
            assert twin.body is not model.body
