"""A search on a tiny model: within its time and memory, with a recommendation that rests on real runs."""

import re
from pathlib import Path

import pytest

from freezecore.api import run_find
from freezecore.errors import ProbeError
from freezecore.probe import ProbeRequest
from freezecore.runtime.search import find as live_find
from freezecore.runtime.search.find import by_coarseness, run
from freezecore.search.find import Arm, Choice, FindRequest
from freezecore.search.measured import Candidate
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

SOURCE = ModelSource.parse(f"config:{Path(__file__).parents[1] / 'tiny_vit.json'}", weights="random")
SIZES = {"data": "digits", "steps": 9, "batch_size": 8, "train_size": 24, "test_size": 40}


class Watched:
    """A search's events, and a clock on which every trial takes one second."""

    def __init__(self) -> None:
        self.events = []

    def __call__(self) -> float:
        return float(self.count("trying"))

    def count(self, name: str) -> int:
        return sum(event["event"] == name for event in self.events)


def search(trials: int, **fields):
    """A search that has time for so many trials."""
    watched = Watched()
    request = FindRequest(ProbeRequest(SOURCE, FreezeSpec(), **SIZES), trials / 60, **fields)
    return run(request, watched.events.append, clock=watched), watched


@pytest.fixture(scope="module")
def searched():
    return search(9)


def choice(rules: str, chosen_by: float, score: float, peak: int | None) -> Choice:
    about = {"metric": None, "metric_after": None, "noise": 0.02, "learning_rate": 0.1, "head_learning_rate": 0.1}
    numbers = {"scores": (score,), "peak_bytes": peak, "step_s": 0.1, "steps": 60, "seeds": 2}
    return Choice(rules, (), score, chosen_by, score, **about, **numbers)


@pytest.mark.parametrize(
    ("second", "recommended"),
    [
        ((0.93, 96), "second"),  # no worse in either: nothing speaks for the first
        ((0.93, 100), "first"),  # more accurate, within the noise, and dearer
        ((0.92, 90), "first"),
        ((0.93, None), "first"),
        ((0.99, 200), "second"),  # beyond the noise
    ],
)
def test_of_two_alike_the_one_that_the_other_outdoes_is_not_recommended(second, recommended):
    request = FindRequest(ProbeRequest(SOURCE, FreezeSpec(), **SIZES), 1)
    choices = choice("first", 0.95, 0.928, 99), choice("second", 0.94, *second)
    found = live_find.concluded(request, choices, (), (), False, 1.0)
    assert found.best.rules == recommended
    assert {found.best.rules, found.runner_up.rules} == {"first", "second"}


def test_a_search_recommends_and_shows_its_evidence(searched):
    found, watched = searched
    assert found.state == "done"
    assert found.tried == len(found.trials) == watched.count("trial") == 9
    assert found.best.rules != found.runner_up.rules
    leads, cheaper = found.best.score >= found.runner_up.score, found.best.peak_bytes <= found.runner_up.peak_bytes
    assert found.best.chosen_by >= found.runner_up.chosen_by or not found.within_noise or (leads and cheaper)
    assert found.best.learning_rate and found.best.peak_bytes
    assert 0 <= found.wins <= 1
    assert [event["event"] for event in watched.events if event["event"] in ("trying", "trial")] == [
        "trying",
        "trial",
    ] * 9


def test_what_does_not_fit_the_budget_is_never_run():
    peaks = session_peaks()
    budget = sorted(peaks.values())[len(peaks) // 2]
    found, _ = search(6, budget_bytes=budget)
    assert {trial.rules for trial in found.trials} <= {rules for rules, peak in peaks.items() if peak <= budget}
    assert found.best.peak_bytes <= budget
    assert any("selections need more than" in sentence for sentence in found.left_out)


def session_peaks() -> dict[str, int]:
    session = live_find.Sessions(ProbeRequest(SOURCE, FreezeSpec(), **SIZES))
    arms = list(live_find.Arms(session, FindRequest(session.base), 0.0, lambda seconds: True, lambda: 0))
    session.close()
    return {arm.candidate.rules: arm.peak_bytes for arm in arms}


def test_a_budget_that_nothing_fits_is_a_sentence():
    with pytest.raises(ProbeError, match=r"None of \d+ selections fits in 1 kB: the smallest needs \d+ kB\."):
        run_find(SOURCE, minutes=1, budget_bytes=1000, **SIZES)


def test_a_stopped_search_still_recommends():
    watched = Watched()
    request = FindRequest(ProbeRequest(SOURCE, FreezeSpec(), **SIZES), 1)
    found = run(request, watched.events.append, lambda: watched.count("trial") >= 2, watched)
    assert (found.state, found.tried) == ("stopped", 2)
    assert found.best is not None


def test_coarse_depths_come_before_finer_ones_each_from_the_cheapest_up():
    arms = [Arm(Candidate(f"depth {n}", (), n), 1.0, work=100.0 - n) for n in range(13)]
    depths = [[arm.candidate.frozen_blocks for arm in group] for group in by_coarseness(arms, 12)]
    assert depths == [[12, 11, 9, 6, 3, 0], [10, 8, 7, 5, 4, 2, 1]]


def test_other_rates_come_when_all_coarse_selections_have_been_tried_at_the_usual_one():
    request = FindRequest(ProbeRequest(SOURCE, FreezeSpec(), **SIZES), over=("depth",))
    session = live_find.Sessions(request.base)
    arms = live_find.Arms(session, request, 0.0, lambda seconds: True, lambda: 0)
    order = [(arm.candidate.frozen_blocks, arm.factor) for arm in arms]
    session.close()
    coarse = [depth for depth, factor in order[: len(order) // 3] if factor == 1.0]
    assert order == [(depth, factor) for factor in (1.0, 0.3, 3.0) for depth in coarse]
    assert order == [(arm.candidate.frozen_blocks, arm.factor) for arm in arms] and len(order) == arms.most


def test_a_first_run_that_was_not_through_in_time_says_how_long_it_needs():
    watched = Watched()
    request = FindRequest(ProbeRequest(SOURCE, FreezeSpec(), **SIZES | {"steps": 90}), 0.1)
    ticks = iter(range(10**6))
    found = run(request, watched.events.append, clock=lambda: next(ticks))
    assert found.state == "failed" and not found.best
    assert "time" in found.message
    assert re.match(r"The first run alone needs about \d+ s here: |.* went by before its first step: ", found.hint)
