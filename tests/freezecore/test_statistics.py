"""Intervals and the paired bootstrap, and the honesty of comparisons."""

import pytest

from freezecore.comparison import Comparison, TriedSelection, duel
from freezecore.errors import ProbeError
from freezecore.probe import Proof
from freezecore.statistics import bootstrap_wins, difference_interval, median_interval, wilson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
        (0, 0, 0.0, 1.0),
    ],  # Newcombe, 1998, table 1
)
def test_wilson_s_interval_is_the_published_one(hits, count, low, high):
    assert wilson(hits, count) == pytest.approx((low, high), abs=1e-4)


def test_a_clear_winner_wins_nearly_always_and_equals_half_of_the_time():
    good, bad = [1] * 90 + [0] * 10, [1] * 60 + [0] * 40
    assert bootstrap_wins(good, bad) > 0.99
    assert bootstrap_wins(bad, good) < 0.01
    assert bootstrap_wins(good, good) == 0.5


def test_a_difference_within_the_noise_is_said_to_be_none():
    found = duel([1, 0, 1, 1, 0, 1], [1, 1, 0, 1, 0, 0])
    assert found.better is None
    assert found.sentence("a", "b").startswith("No difference beyond the noise")


def test_a_difference_that_the_seeds_do_not_bear_out_is_none():
    def tried(rules, hits, *by_seed):
        return TriedSelection(
            rules, 10, hits / 50, tuple([1.0] * hits + [0.0] * (50 - hits)), by_seed, 0.01, Proof(1, 0)
        )

    steady = Comparison((tried("train all", 40, 0.79, 0.81), tried("train head", 30, 0.59, 0.61)))
    assert steady.duels()[0][2].better == "a"
    wild = Comparison((tried("train all", 40, 0.5, 1.1), tried("train head", 30, 0.4, 0.8)))
    assert wild.duels()[0][2].better is None
    assert "No difference beyond the noise: 'train all' beats 'train head'" in str(wild)


def test_different_samples_are_not_compared():
    with pytest.raises(ProbeError, match="scored on 2 and 3 held-out samples"):
        duel([1, 0], [1, 0, 1])


def test_a_comparison_names_the_best_against_each_other():
    def tried(rules, hits):
        scores = tuple([1.0] * hits + [0.0] * (50 - hits))
        return TriedSelection(rules, 10, hits / 50, scores, (hits / 50,), 0.01, Proof(1, 0))

    found = Comparison((tried("train head", 20), tried("train all", 48), tried("train norms", 47)))
    assert found.best.rules == "train all"
    assert "'train all' beats 'train head' in 100 of 100 resamples." in str(found)
    assert [row["b"] for row in found.to_json()["duels"]] == ["train head", "train norms"]


@pytest.mark.parametrize(
    ("count", "places"), [(5, None), (6, (0, 5)), (8, (0, 7)), (9, (1, 7)), (12, (2, 9)), (20, (5, 14))]
)
def test_the_median_lies_between_the_published_order_statistics(count, places):  # Conover, 1999, 95 % of the binomial
    values = [float(value) for value in range(count)]
    assert median_interval(values[::-1]) == (places and (values[places[0]], values[places[1]]))


def test_the_interval_of_a_paired_difference_is_that_of_the_difference_of_each_sample():
    good, bad = [1.0] * 90 + [0.0] * 10, [1.0] * 60 + [0.0] * 40
    low, high = difference_interval(good, bad)
    assert (low, high) == pytest.approx((0.2015, 0.3868), abs=1e-3)  # f12 = 30, f21 = 0, n = 100
    low, high = difference_interval(good, good)
    assert low < 0 < high, "no difference in a hundred is not no difference"
