"""Suggestions measured on tiny models: each way finds what was hidden in the model for it."""

from pathlib import Path

import pytest
import torch
from torch import nn

from freezecore.api import run_suggest
from freezecore.runtime.search.block_scores import _pooled, _ridge_accuracy, _signal_ratio
from freezecore.source import ModelSource

SOURCE = ModelSource.parse(f"config:{Path(__file__).parents[1] / 'tiny_vit.json'}", weights="random")
SIZES = {"data": "digits", "steps": 3, "batch_size": 8, "train_size": 40, "test_size": 40}


@pytest.fixture(scope="module")
def suggested():
    events = []
    return run_suggest(SOURCE, budget_bytes=10**9, emit=events.append, **SIZES), events


def test_each_way_gives_rules_a_reason_a_score_for_each_block_and_a_price(suggested):
    found, events = suggested
    assert [s.by for s in found.suggestions] == ["features", "gradients", "snr", "budget"]
    for suggestion in found.suggestions[:3]:
        assert len(suggestion.scores) == 3
        assert suggestion.why.endswith(".") or suggestion.why.endswith("those.")
        assert suggestion.peak_bytes and suggestion.fits
    told = [event for event in events if event["event"] == "suggestion"]
    assert [event["rules"] for event in told] == [suggestion.rules for suggestion in found.suggestions]
    assert all(event["why"] and event["peak_bytes"] for event in told)


def test_a_budget_marks_what_does_not_fit():
    found = run_suggest(SOURCE, by=("snr",), budget_bytes=1000, **SIZES)
    assert [s.fits for s in found.suggestions] == [False]
    assert any("take" in note for note in found.notes)


def test_a_stopped_look_says_so():
    assert run_suggest(SOURCE, by=("features",), should_stop=lambda: True, **SIZES).state == "stopped"


def test_noise_has_no_signal_and_what_is_hidden_in_it_is_found():
    torch.manual_seed(0)
    noise = torch.randn(128, 256)
    hidden = noise + 8 * torch.randn(128, 4) @ torch.randn(4, 256)
    assert _signal_ratio(noise) < 0.05
    assert _signal_ratio(hidden) > 0.3
    assert _signal_ratio(nn.Conv2d(16, 32, 3).weight) < 0.2


def test_a_linear_classifier_learns_what_is_linear_and_nothing_else():
    torch.manual_seed(0)
    targets, held_out = torch.randint(3, (90,)), torch.randint(3, (60,))
    centres = 3 * torch.randn(3, 200)
    noisy = [centres[t] + torch.randn(len(t), 200) for t in (targets, held_out)]
    assert _ridge_accuracy(noisy[0], targets, noisy[1], held_out) > 0.95
    assert _ridge_accuracy(torch.randn(90, 200), targets, torch.randn(60, 200), held_out) < 0.6


@pytest.mark.parametrize(
    ("shape", "axes"), [((2, 5, 7, 7), (2, 3)), ((2, 7, 7, 5), (1, 2)), ((2, 9, 5), (1,)), ((2, 5), ())]
)
def test_channels_are_pooled_wherever_they_stand(shape, axes):
    x = torch.randn(*shape)
    assert torch.allclose(_pooled(x), x.mean(axes) if axes else x)


def test_gradients_are_finite_where_weights_start_at_zero():
    """A fresh ConvNeXt has biases at 0 and LayerScales at 1e-6: tensor by tensor its ratios have no bound."""
    source = ModelSource.parse("timm:test_convnext", weights="random")
    found = run_suggest(source, by=("gradients",), **SIZES | {"image_size": 64})
    (suggestion,) = found.suggestions
    assert all(0 < score < 10 for score in suggestion.scores)
