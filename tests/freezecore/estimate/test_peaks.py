"""The largest batch under a limit: the same as every line alone would allow, from few evaluations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freezecore._estimate.peaks import LARGEST, Peaks, under
from freezecore._trace import Trace
from freezecore.workload import Workload

LINES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 5_000)), min_size=1, max_size=6)


class Made(Peaks):
    """Peaks of made-up lines `(fixed, slope)`, rounded up to whole blocks; `asked` counts the evaluations."""

    def __init__(self, lines, device="cpu", block=1, slack=0):
        super().__init__(Trace("lines", Workload(device=device), (), batch_sizes=(5, 7)), None)
        self.lines, self.block, self.asked, self.slack = lines, block, 0, slack
        self._rounding = block if block > 1 else 0

    def __call__(self, size):
        if size not in self._known:
            self.asked += 1
            peak, slope = max((fixed + slope * size, slope) for fixed, slope in self.lines)
            self._steepest[size] = slope + self.slack
            self._known[size] = -(-peak // self.block) * self.block
        return self._known[size]


@given(LINES, st.integers(0, 10**9))
def test_the_largest_batch_is_the_one_that_every_line_allows(lines, limit):
    allowed = min((limit - fixed) // slope if slope else (LARGEST if fixed <= limit else 0) for fixed, slope in lines)
    for slack in (0, 1, 3_000):  # a bound of the slope may be far off
        assert Made(lines, slack=slack).largest(limit) == min(max(allowed, 0), LARGEST)


def test_thirty_limits_take_a_handful_of_evaluations():
    peaks = Made([(10**6, 5_000), (0, 7_000)])
    found = [peaks.largest(limit) for limit in range(10**8, 4 * 10**8, 10**7)]
    assert found == [limit // 7_000 for limit in range(10**8, 4 * 10**8, 10**7)]
    assert peaks.asked <= 8


@pytest.mark.parametrize("limit", [512, 1024, 5_000, 100_000])
def test_rounding_is_settled_by_trying(limit):
    peaks = Made([(100, 7)], "cuda", 512)
    found = peaks.largest(limit)
    assert peaks(found) <= limit < peaks(found + 1)


@pytest.mark.parametrize("budget", [0, 1, 700, 10**10])
def test_a_margin_is_kept_free(budget):
    def taken(peak):
        return peak + 500 + peak // 16

    peak = under(budget, lambda peak: 500 + peak // 16)
    assert taken(peak + 1) > budget
    assert peak < 0 or taken(peak) <= budget
