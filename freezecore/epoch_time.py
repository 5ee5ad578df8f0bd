"""How long an epoch takes, from the measured step of a probe and the work (FLOPs) of the step that is asked about.

A range, because neither is the other: on the CPU, scaling a measured step by FLOPs was 5 % too low to 15 % too high for
six masks of a ResNet-18, and the steps of one run differ as the machine is used by others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from freezecore.report import change_text, seconds_text
from freezecore.sentences import joined, say

SAME_STEP = (0.9, 1.15)  # of the measured time, where the step asked about is the one that was measured
OTHER_STEP = (0.8, 1.3)  # where it is scaled by its work


@dataclass(frozen=True, slots=True)
class EpochTime:
    """Between which seconds an epoch will probably end, and why those."""

    low: float
    high: float
    why: str

    def to_json(self) -> dict:
        """Its fields as JSON values."""
        return asdict(self)


def epoch_time(
    result: Mapping[str, Any],
    *,
    samples: int | None = None,
    batch_size: int | None = None,
    flops: int | None = None,
) -> EpochTime | None:
    """The time of an epoch by a probe's result; None where it measured no step.

    Args:
        result: its fields as JSON values.
        samples: of an epoch; None takes the probe's training data.
        batch_size: of the step asked about; None takes the probe's.
        flops: of that step, forward and backward; None takes the probe's own, which is not scaled then.
    """
    step_s, measured = result.get("step_s"), (result.get("request") or {}).get("batch_size")
    samples = samples or result.get("train_size")
    if not (step_s and measured and samples):
        return None
    cache = result.get("cache") or {}
    speedup = (cache.get("speedup") or 1.0) if cache.get("used") else 1.0
    steps = -(-samples // (batch_size or min(measured, result.get("train_size") or measured)))
    known, scale, (least, most) = result.get("flops"), 1.0, SAME_STEP
    why = [
        say("{steps} steps at the {step} that a step took in this try.", steps=f"{steps:,}", step=seconds_text(step_s))
    ]
    if flops and known and flops != known:
        scale, (least, most) = flops / known, OTHER_STEP
        more = change_text(flops, known)
        why.append(say("The step asked about has {change} of work, by which the measured one was scaled.", change=more))
    if speedup > 1 and scale != 1.0:  # what is frozen in that step, if anything, nobody has computed once
        told = say("With the frozen part computed in each step it took {times:.1f} times that.", times=speedup)
        why.append(told)
        least *= speedup
    elif speedup > 1:
        told = say(
            "The shorter time is with the frozen part computed once, the longer one without: {times:.1f} times a step.",
            times=speedup,
        )
        why.append(told)
    least, most = least * scale, most * scale * max(1.0, speedup)
    return EpochTime(steps * step_s * least, steps * step_s * most, joined(why, " "))
