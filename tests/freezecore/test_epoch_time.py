"""The time of an epoch: a range around what was measured, wider where it is scaled, with its reason."""

import pytest

from freezecore.epoch_time import epoch_time
from freezecore.probe import CacheUse, ProbeResult

RESULT = {"step_s": 0.5, "train_size": 1000, "request": {"batch_size": 32}, "flops": 100, "cache": {"used": False}}


def test_an_epoch_is_its_steps_and_the_measured_time_lies_between():
    found = epoch_time(RESULT)
    assert found.low < 32 * 0.5 < found.high and "32 steps at the 0.5 s" in found.why
    assert epoch_time(RESULT, samples=1001).low == pytest.approx(found.low)  # of 32 steps, the last one larger
    assert epoch_time(RESULT, samples=32_000).high == pytest.approx(found.high * 1000 / 32)


def test_another_step_is_scaled_by_its_work_and_the_range_is_wider():
    same, other = epoch_time(RESULT, flops=100), epoch_time(RESULT, flops=300, batch_size=64)
    assert other.low < 16 * 1.5 < other.high and "+200 %" in other.why
    assert other.high / other.low > same.high / same.low


def test_what_is_computed_once_makes_the_shorter_end():
    cached = epoch_time(RESULT | {"cache": {"used": True, "speedup": 4.0}})
    plain = epoch_time(RESULT)
    assert cached.low == plain.low and cached.high == pytest.approx(4 * plain.high) and "4.0 times" in cached.why


def test_another_step_gains_nothing_from_what_this_one_computed_once():
    cached = RESULT | {"cache": {"used": True, "speedup": 900.0}}
    found = epoch_time(cached, flops=300)
    assert found.low < 32 * 0.5 * 900 * 3 < found.high < 2 * found.low
    assert "900.0 times that" in found.why and "The shorter time" not in found.why


@pytest.mark.parametrize("lack", [{"step_s": None}, {"request": {}}, {"train_size": 0}])
def test_nothing_measured_is_no_time(lack):
    assert epoch_time(RESULT | lack) is None


def test_a_probe_result_says_it_in_its_last_line():
    result = ProbeResult("done", "cpu", 5, 640, step_s=0.1, request={"batch_size": 32}, cache=CacheUse())
    told = result.to_json()["epoch_s"]
    assert told["low"] < 2.0 < told["high"] and told["why"]
    assert ProbeResult("failed", "cpu").to_json()["epoch_s"] is None
