"""Selections compared on a person's own model, batches and loss."""

import pytest
import torch
from torch import nn

from freezecore.api import compare
from freezecore.errors import ProbeError, RuleError

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


def test_each_selection_gets_the_rate_that_suits_it_best():
    few = {"loss": nn.functional.cross_entropy, "steps": 20}
    one = compare(make_model, ["train all"], batches(), **few, factors=(1.0,)).best
    best = compare(make_model, ["train all"], batches(), **few, factors=(1.0, 30.0)).best
    assert (one.factor, best.factor) == (1.0, 30.0)
    assert best.score > one.score
    assert compare(make_model, ["train all"], batches(), **few, learning_rate=0.01).best.factor == 1.0


def test_a_loss_that_is_not_a_number_ends_that_selection_and_leaves_the_others():
    def loss(output, targets):
        return nn.functional.cross_entropy(output, targets) * (float("nan") if output.std() < 1e-6 else 1)

    pairs = [(inputs * 0, targets) for inputs, targets in batches(4)] + list(batches(4))
    found = compare(lambda: nn.Linear(8, 4, bias=False), ["train all"], pairs, loss)
    assert found.best.message == "The loss became not a number at step 1; trained until then."
    assert found.best.message in str(found)


def test_batches_that_are_no_pairs_are_told_apart():
    with pytest.raises(ProbeError, match="Batch 0 is a dict, and not a pair of inputs and targets."):
        compare(make_model, ["train all"], [{"x": 1, "labels": 2}] * 8, nn.functional.cross_entropy)


def test_rules_that_hit_nothing_are_told_before_anything_trains():
    built = []

    def make():
        built.append(1)
        return make_model()

    with pytest.raises(RuleError):
        compare(make, ["train all", "freeze nothere"], batches(), nn.functional.cross_entropy)
    assert len(built) == 1


@pytest.mark.parametrize(
    ("specs", "count", "error", "problem"),
    [
        (["freeze all"], 8, ProbeError, "'freeze all' leaves nothing to train"),
        (["freeze nothere"], 8, RuleError, "nothere"),
        (["train all"], 2, ProbeError, "2 batches are too few"),
        ([], 8, ProbeError, "There is nothing to compare"),
    ],
)
def test_what_cannot_be_compared_says_why(specs, count, error, problem):
    with pytest.raises(error, match=problem):
        compare(make_model, specs, batches(count), nn.functional.cross_entropy)
