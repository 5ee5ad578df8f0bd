"""Gradual unfreezing in a plain loop: each epoch trains what its phase says, and the optimizer follows."""

import pytest
import torch
from torch import nn

from freezecore.errors import RuleError
from freezecore.runtime.own.unfreezing import Unfreezing, trainable_parameters

RULES = "freeze all; train 2; from epoch 1: train 1; from epoch 2: freeze 2"


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> set[str]:
    """Names that one training step moves."""
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    model.train()
    model(torch.randn(8, 3)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    return {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}


def test_each_epoch_trains_what_its_phase_says():
    model = small()
    schedule = Unfreezing(model, RULES)
    optimizer = torch.optim.AdamW(trainable_parameters(model), lr=0.1, weight_decay=0.1)
    moved = []
    for epoch in range(3):
        schedule.begin_epoch(epoch, optimizer)
        moved.append(step(model, optimizer))
    head, norm = {"2.weight", "2.bias"}, {"1.weight", "1.bias"}
    assert moved == [head, head | norm, norm]


def test_the_optimizer_holds_exactly_what_trains_and_no_state_of_the_rest():
    model = small()
    schedule = Unfreezing(model, RULES)
    optimizer = torch.optim.AdamW(trainable_parameters(model))
    step(model, optimizer)
    schedule.begin_epoch(2, optimizer)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in trainable_parameters(model)} == {id(p) for p in model[1].parameters()}
    assert all(p.requires_grad for p in optimizer.state)


def test_a_saved_optimizer_fits_where_the_run_resumes():
    model = small()
    schedule = Unfreezing(model, RULES)
    optimizer = torch.optim.AdamW(trainable_parameters(model), lr=0.1)
    schedule.begin_epoch(1, optimizer)
    step(model, optimizer)
    again = small()
    Unfreezing(again, RULES).begin_epoch(1)
    resumed = torch.optim.AdamW(trainable_parameters(again), lr=0.1)
    resumed.load_state_dict(optimizer.state_dict())
    for p, q in zip(trainable_parameters(model), trainable_parameters(again), strict=True):
        assert torch.equal(optimizer.state[p]["exp_avg"], resumed.state[q]["exp_avg"])


def test_groups_of_their_own_keep_their_members():
    model = small()
    schedule = Unfreezing(model, RULES)
    groups = [{"params": []}, {"params": list(model[2].parameters()), "lr": 1.0}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    schedule.begin_epoch(1, optimizer)
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 2]
    assert optimizer.param_groups[1]["lr"] == 1.0


def test_a_rule_of_a_later_phase_that_hits_nothing_is_an_error_at_once():
    model = small()
    with pytest.raises(RuleError):
        Unfreezing(model, "freeze all; train 2; from epoch 7: train nothing")
    assert all(p.requires_grad for p in model.parameters())
