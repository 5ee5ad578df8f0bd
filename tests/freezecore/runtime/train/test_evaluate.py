"""Scores of an evaluation: each metric from logits, by hand."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from freezecore.metrics import METRICS
from freezecore.runtime.data.samples import Dataset, Raw, Samples
from freezecore.runtime.train.evaluate import Score


def score(logits: list, targets: list, classes: int, spread: float = 1.0) -> Score:
    """What a model with these outputs is worth."""
    names = tuple("abcd"[:classes])
    raw = Raw("made up", "text", np.array(targets), names, np.arange(1), np.arange(1))
    nothing = Samples({}, torch.tensor(targets))
    return Score(torch.tensor(logits), torch.tensor(targets), Dataset(raw, nothing, nothing, 1, spread=spread))


SURE_OF = [[9.0, 0, 0], [0, 9.0, 0], [0, 0, 9.0]]  # logits by the class they predict
ROWS = [
    ([0, 2, 2], [0, 2, 0], "accuracy", 2 / 3),
    ([0, 1, 2], [0, 0, 0], "macro-f1", 0.5 / 3),  # a class that is never predicted counts as nothing
    ([0, 2, 2], [0, 2, 0], "qwk", 0.4),  # a mistake by two classes, with the class between in no sample
    ([1, 1], [1, 1], "qwk", None),
    ([0, 1], [0, 0], "log-loss", (math.log(1 + 2 * math.exp(-9)) * 2 + 9) / 2),
]


@pytest.mark.parametrize("targets, predicted, metric, value", ROWS)
def test_a_metric_of_classes_is_what_the_definition_says(targets, predicted, metric, value):
    found = score([SURE_OF[i] for i in predicted], targets, 3).metric(metric)
    assert found == (value and pytest.approx(value))


def test_the_log_loss_of_a_certain_mistake_is_finite():
    assert 30 < score([[900.0, 0.0]], [1], 2).metric("log-loss") < 40


def test_the_error_of_values_is_in_their_own_unit():
    found = score([[1.0], [3.0]], [0.0, 1.0], 0, spread=10.0)
    assert found.metric("rmse") == pytest.approx(math.sqrt((10**2 + 20**2) / 2))
    assert found.per_sample("rmse") == pytest.approx([-100.0, -400.0])


def random_score(seed: int, classes: int = 4, count: int = 60) -> Score:
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, classes, generator=draw)
    return score(logits.tolist(), torch.randint(classes, (count,), generator=draw).tolist(), classes)


@pytest.mark.parametrize("metric", ["accuracy", "macro-f1", "qwk", "log-loss"])
@pytest.mark.parametrize("seed", range(3))
def test_the_mean_of_what_each_sample_adds_is_the_metric(metric, seed):
    found = random_score(seed)
    each = found.per_sample(metric)
    assert METRICS[metric].of_mean(sum(each) / len(each)) == pytest.approx(found.metric(metric))


def test_what_each_sample_adds_to_kappa_is_its_jackknife():
    found = random_score(5, count=20)
    targets, predicted = found.targets.tolist(), found.classes

    def kappa(skip: int) -> float:
        left = [i for i in range(20) if i != skip]
        return cohen_kappa_score([targets[i] for i in left], [predicted[i] for i in left], weights="quadratic")

    whole = cohen_kappa_score(targets, predicted, weights="quadratic")
    pseudo = np.array([20 * whole - 19 * kappa(i) for i in range(20)])
    assert found.per_sample("qwk") == pytest.approx((pseudo - pseudo.mean() + whole).tolist())


def test_a_model_that_knows_only_how_common_classes_are_is_the_baseline():
    found = score([SURE_OF[i] for i in (0, 1, 2, 0)], [0, 0, 0, 1], 3).of_the_commonest()
    assert found.metric("accuracy") == 0.75
    assert found.metric("qwk") == 0
    assert found.metric("log-loss") == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)), abs=1e-4)
