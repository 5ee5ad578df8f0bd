"""The proof of a freeze: it holds for a plain loop, and fails by name for each way in which freezes leak."""

import pytest
import torch
from torch import nn

from freezecore.errors import ProofError
from freezecore.mask import Mask
from freezecore.runtime.own.hold import hold
from freezecore.runtime.own.proof import ProofCheck, digest, proof
from freezecore.runtime.tree.read import read_module


class Leaky(nn.Module):
    """A body with a norm and a tied pair, and a head."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.embedding = nn.Parameter(torch.randn(4, 4))
        self.head = nn.Linear(4, 2)
        self.out = nn.Linear(4, 4, bias=False)
        self.out.weight = self.embedding  # tied: one tensor under two names

    def forward(self, x):
        return self.head(self.norm(self.body(x)) @ self.embedding + self.out(x))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Leaky()


def only_the_head(model):
    mask = Mask.from_names(read_module(model), ["head.weight", "head.bias"])
    mask.apply_to(model)
    return mask


def sgd(parameters, **more):
    return torch.optim.SGD(list(parameters), lr=0.1, **more)


def step(model, optimizer, set_to_none=True):
    model.train()
    optimizer.zero_grad(set_to_none=set_to_none)
    model(torch.randn(8, 4)).square().sum().backward()
    optimizer.step()


def test_a_plain_loop_over_the_trainable_parameters_holds(model):
    mask = only_the_head(model)
    with hold(model, mask):
        check = ProofCheck(model, mask)
        optimizer = sgd(model.head.parameters())
        step(model, optimizer)
        found = check.verify(optimizer)
    assert found.ok, found.sentence()
    assert found.sentence() == "Nothing frozen moved: 5 parameters and 3 buffers, to the bit."


def test_a_norm_that_nobody_holds_leaks_through_its_buffers(model):
    mask = only_the_head(model)
    check = ProofCheck(model, mask)
    optimizer = sgd(model.head.parameters())
    step(model, optimizer)
    found = check.verify(optimizer)
    assert found.changed == ("norm.running_mean", "norm.running_var", "norm.num_batches_tracked")
    assert "norm" in found.modes
    assert "'norm.running_mean'" in found.sentence()
    assert "eval mode" in found.remedy()


def test_weight_decay_on_a_stale_gradient_moves_a_frozen_parameter(model):
    optimizer = sgd(model.parameters(), weight_decay=0.1)
    step(model, optimizer, set_to_none=False)
    tree = read_module(model)
    mask = Mask.from_names(tree, ["head.weight", "head.bias"])
    for name, parameter in model.named_parameters():  # what a script does by hand: the gradient stays
        parameter.requires_grad_(mask[name])
    with hold(model, mask):
        check = ProofCheck(model, mask)
        step(model, optimizer, set_to_none=False)
        found = check.verify(optimizer)
    assert "body.weight" in found.changed
    assert "body.weight" in found.with_gradient
    assert "body.weight" in found.optimizer_strangers
    assert "build the optimizer" in found.remedy()


def test_a_parameter_in_the_optimizer_twice_is_named(model):
    mask = only_the_head(model)
    optimizer = sgd([*model.head.parameters()])
    optimizer.param_groups.append({**optimizer.param_groups[0], "params": [model.head.bias]})
    with hold(model, mask):
        found = ProofCheck(model, mask).verify(optimizer)
    assert found.optimizer_twice == ("head.bias",)
    assert not found.ok


def test_a_trainable_parameter_outside_the_optimizer_is_named_even_if_an_equal_one_is_inside(model):
    model.head.bias.data = model.norm.bias.data[:2].clone()
    mask = Mask.from_names(read_module(model), ["head.weight", "head.bias", "norm.weight", "norm.bias"])
    mask.apply_to(model)
    model.norm.bias.data.zero_()
    optimizer = sgd([model.head.weight, model.head.bias, model.norm.weight])
    assert ProofCheck(model, mask).verify(optimizer).optimizer_missing == ("norm.bias",)


def test_a_tied_tensor_set_to_train_by_its_other_name_is_found(model):
    mask = only_the_head(model)
    with hold(model, mask):
        check = ProofCheck(model, mask)
        model.out.weight.requires_grad_(True)
        optimizer = sgd([*model.head.parameters(), model.out.weight])
        step(model, optimizer)
        found = check.verify(optimizer)
    assert found.changed == found.unfrozen == found.optimizer_strangers == ("embedding",)


def test_a_tie_that_is_broken_by_a_copy_is_found(model):
    mask = only_the_head(model)
    with hold(model, mask):
        check = ProofCheck(model, mask)
        model.out.weight = nn.Parameter(model.embedding.detach() + 1)
        found = check.verify(sgd(model.head.parameters()))
    assert found.changed == ("out.weight",)


def test_a_later_unfreeze_is_found_before_anything_moved(model):
    mask = only_the_head(model)
    with hold(model, mask):
        check = ProofCheck(model, mask)
        model.body.requires_grad_(True)
        found = check.verify(sgd(model.head.parameters()))
    assert found.unfrozen == ("body.weight", "body.bias")
    assert not found.changed


def test_a_head_that_was_replaced_after_the_optimizer_is_a_stranger(model):
    mask = only_the_head(model)
    optimizer = sgd(model.head.parameters())
    model.head = nn.Linear(4, 2)
    with hold(model, mask):
        found = ProofCheck(model, mask).verify(optimizer)
    assert found.optimizer_missing == ("head.weight", "head.bias")
    assert found.optimizer_strangers == ("a parameter that the model does not have",) * 2


def test_one_bit_is_enough():
    tensor = torch.zeros(1000)
    before = digest(tensor)
    tensor[500] = -0.0
    assert digest(tensor) != before


def test_nan_that_stays_is_no_change():
    tensor = torch.full((3,), float("nan"))
    assert digest(tensor) == digest(tensor.clone())


@pytest.mark.parametrize(
    "tensor", [torch.tensor(3), torch.empty(0), torch.ones(4, 3).t(), torch.ones(2, dtype=torch.bfloat16)]
)
def test_any_tensor_can_be_compared(tensor):
    assert digest(tensor) == digest(tensor.clone())


def test_a_person_s_own_loop_is_proved_or_fails_by_name(model):
    model.requires_grad_(False)
    model.head.requires_grad_(True)
    optimizer = sgd(model.head.parameters())
    with pytest.raises(ProofError, match=r"'norm.running_mean'.* moved"), proof(model, optimizer):
        step(model, optimizer)
    with hold(model, only_the_head(model)), proof(model, optimizer):
        step(model, optimizer)


def test_an_error_inside_the_loop_is_not_hidden_by_the_proof(model):
    model.requires_grad_(False)
    with pytest.raises(ZeroDivisionError), proof(model):
        model.body.weight.data += 1
        1 / 0  # noqa: B018
