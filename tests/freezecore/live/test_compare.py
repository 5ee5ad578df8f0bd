"""Selections compared on a person's own model, batches and loss."""

import pytest
import torch
from torch import nn

from freezecore.errors import ProbeError, RuleError
from freezecore.live.compare import compare

CENTRES = torch.randn(4, 8, generator=torch.Generator().manual_seed(1)) * 2


def make_model():
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))


def batches(count=12):
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        targets = torch.randint(0, 4, (16,), generator=generator)
        yield CENTRES[targets] + torch.randn(16, 8, generator=generator), targets


def test_each_selection_is_scored_on_the_same_samples_and_proved():
    found = compare(make_model, ["freeze 0 1", "train all"], batches(), nn.functional.cross_entropy, steps=40, seeds=2)
    assert [one.rules for one in found.tried] == ["freeze 0 1", "train all"]
    assert {len(one.per_sample) for one in found.tried} == {48}
    assert all(one.proof.ok and len(one.by_seed) == 2 for one in found.tried)
    assert found.tried[0].trainable < found.tried[1].trainable
    assert found.best.score > 0.3


def test_values_are_scored_by_each_sample_s_negated_loss():
    pairs = [(inputs, inputs.sum(1, keepdim=True)) for inputs, _ in batches()]
    found = compare(lambda: nn.Linear(8, 1), ["train all"], pairs, nn.functional.mse_loss)
    assert all(score <= 0 for score in found.best.per_sample)


def test_a_score_and_held_out_batches_of_one_s_own_are_used():
    held_out = list(batches(2))
    found = compare(
        make_model,
        ["train all"],
        batches(3),
        nn.functional.cross_entropy,
        held_out=held_out,
        score=lambda output, targets: torch.full((len(targets),), 7.0),
    )
    assert found.best.per_sample == (7.0,) * 32


@pytest.mark.parametrize(
    ("specs", "count", "error", "problem"),
    [
        (["freeze all"], 8, ProbeError, "'freeze all' leaves nothing to train"),
        (["freeze nothere"], 8, RuleError, "nothere"),
        (["train all"], 2, ProbeError, "2 batches are too few"),
    ],
)
def test_what_cannot_be_compared_says_why(specs, count, error, problem):
    with pytest.raises(error, match=problem):
        compare(make_model, specs, batches(count), nn.functional.cross_entropy)
