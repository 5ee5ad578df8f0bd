"""Comparing selections on a model and data of one's own."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from freezecore.errors import DataError, ProofError, RuleError
from freezecore.live.compare import compare


def make_model() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def batches(count: int = 24) -> list:
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(16, 4, generator=generator) for _ in range(count)]
    return [(x, (x[:, 0] * x[:, 1] > 0).long()) for x in inputs]


def loss(model: nn.Module, batch) -> torch.Tensor:
    return F.cross_entropy(model(batch[0]), batch[1])


def hits(model: nn.Module, batch) -> torch.Tensor:
    return (model(batch[0]).argmax(1) == batch[1]).double()


def adam(parameters) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=0.03)


def test_what_trains_more_learns_what_a_head_alone_cannot():
    found = compare(make_model, ["train all", "freeze 0"], batches(), loss, score=hits, optimizer=adam, epochs=15)
    whole, head = found.runs
    assert whole.score > head.score
    assert found.best is whole
    assert found.wins[0][1] > 0.95 and found.wins[0][1] + found.wins[1][0] == pytest.approx(1)
    assert (whole.trainable, head.trainable) == (58, 18)
    assert len(whole.scores) == 6 * 16
    assert "best" in str(found) and "of 100 resamples" in str(found)


def test_equal_selections_beat_each_other_half_the_time():
    found = compare(make_model, ["freeze 0", "freeze 0.weight 0.bias"], batches(8), loss)
    assert found.runs[0].scores == found.runs[1].scores
    assert found.wins[0][1] == 0.5


def test_a_loss_that_moves_what_is_frozen_is_found_out():
    def leaking(model: nn.Module, batch) -> torch.Tensor:
        with torch.no_grad():
            model[0].weight.mul_(0.9)
        return loss(model, batch)

    with pytest.raises(ProofError, match="0.weight"):
        compare(make_model, ["freeze 0"], batches(4), leaking)


def test_too_few_batches_and_wrong_rules_are_sentences():
    with pytest.raises(DataError, match="There are too few batches to train and to score on."):
        compare(make_model, ["freeze 0"], batches(1), loss)
    with pytest.raises(RuleError):
        compare(make_model, ["freeze nowhere"], batches(4), loss)
