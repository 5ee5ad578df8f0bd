"""Each metric ranks by itself: of two models the better is the one that the metric prefers, whatever accuracy says."""

import pytest

from freezecore.metrics import METRICS
from freezecore.probe import ProbeResult
from freezecore.search.measured import Candidate, compared, taken_together
from tests.freezecore.runtime.train.test_evaluate import score

SURE, CALM = 9.0, 1.5


def logits(predicted: list[int], strength: float = SURE) -> list[list[float]]:
    return [[strength if i == each else 0.0 for i in range(3)] for each in predicted]


ORDERED = [0, 1, 2] * 100
RARE = [0] * 270 + [1] * 15 + [2] * 15
OTHER = {0: 2, 1: 0, 2: 0}  # as far off as can be
NEXT = {0: 1, 1: 0, 2: 1}
# Metric, targets, and the outputs of the model that is more accurate and of the one that the metric prefers.
ROWS = {
    "qwk": (
        ORDERED,
        logits([OTHER[t] if i % 10 < 3 else t for i, t in enumerate(ORDERED)]),
        logits([NEXT[t] if i % 10 < 4 else t for i, t in enumerate(ORDERED)]),
    ),
    "macro-f1": (
        RARE,
        logits([0] * 300),
        logits([0 if t == 0 and i % 8 else t if t else 1 for i, t in enumerate(RARE)]),
    ),
    "log-loss": (
        ORDERED,
        logits([OTHER[t] if i % 10 < 1 else t for i, t in enumerate(ORDERED)], 30.0),
        logits([OTHER[t] if i % 10 < 3 else t for i, t in enumerate(ORDERED)], CALM),
    ),
}


def measured(metric: str, targets: list[int], outputs: list):
    found = score(outputs, targets, 3)
    values = {"state": "done", "device": "cpu", "test_size": len(targets), "metric": metric}
    after = {"accuracy_after": found.metric("accuracy"), "metric_after": found.metric(metric)}
    result = ProbeResult(**values, **after, per_sample=tuple(found.per_sample(metric)))
    return taken_together(Candidate("train all", ("all",)), [result])


@pytest.mark.parametrize("metric", ROWS)
def test_the_metric_s_best_is_first_where_accuracy_s_is_another(metric):
    targets, accurate, preferred = ROWS[metric]
    two = [measured(metric, targets, outputs) for outputs in (accurate, preferred)]
    by_accuracy = [measured("accuracy", targets, outputs) for outputs in (accurate, preferred)]
    assert METRICS[metric].of_mean(two[1].score) == pytest.approx(two[1].metric_after)
    assert compared(by_accuracy)[0] == 0
    assert compared(two)[0] == 1
