"""Freeze, or LoRA? What people choose between, each answer as a model source and rules, so that it is priced, tried and
exported as any other selection is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count

from freezecore._estimate.at_rank import trace_at_rank
from freezecore._estimate.cost import estimate_names
from freezecore._resolve import resolve
from freezecore._trace import Trace
from freezecore.adapter import MOST_RANK
from freezecore.mask import Mask
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import Buffer, LayerTree, Parameter

DEFAULT_ADAPTER = "lora r=8"
HEAD, ADAPTERS = "freeze all; train head", "freeze all; train adapters"


@dataclass(frozen=True, slots=True)
class Alternative:
    """One answer.

    Attributes:
        key: `this`, `full`, `head`, `lora` or `qlora`.
        source: the model, with the adapter in it where there is one.
        rules: what trains in it; empty is what its author trains.
    """

    key: str
    source: ModelSource
    rules: str


def alternatives(
    source: ModelSource, rules: str, tree: LayerTree, adapter: str = DEFAULT_ADAPTER
) -> tuple[Alternative, ...]:
    """This selection, then full fine-tuning, the head alone, LoRA, and LoRA on a base in four bits.

    A selection with an adapter of its own is set beside that one. A model that came as a file holds one step as it is,
    so nothing can be put into it.

    Args:
        tree: of the source's base or of the source itself.
        adapter: the LoRA to set beside a selection without any.
    """
    base = source.base
    found = [Alternative("this", source, rules), Alternative("full", base, "")]
    if tree.head:
        found.append(Alternative("head", base, HEAD))
    if base.scheme != "file":
        adapted = base.with_(adapter=source.adapter or adapter)
        trained = f"{ADAPTERS} head" if has_new_head(tree) else ADAPTERS
        found.append(Alternative("lora", adapted, trained))
        found.append(Alternative("qlora", adapted.with_(quantize="nf4"), trained))
    return tuple(found)


def has_new_head(tree: LayerTree) -> bool:
    """Whether the head is made for the task, and so has to be trained: it scores classes, not a vocabulary's words."""
    words = max((p.shape[0] for p in tree.parameters if p.kind == "embedding" and len(p.shape) == 2), default=None)
    head = [tree.parameters[i] for i in tree.under_each(tree.head)]
    return bool(head) and not any(len(p.shape) > 1 and (p.shape[0] == words or p.aliases) for p in head)


def checkpoint_bytes(mask: Mask, precision: str) -> int:
    """What a checkpoint takes on disk: with adapters they and all else that trains, as PEFT saves them; without, the
    whole model with its buffers.

    Args:
        precision: of the workload; where that is bf16, what the tree has in fp32 is trained and saved in half of it.
    """
    tree = mask.tree
    saved: list[Parameter | Buffer] = [*tree.parameters, *tree.buffers]
    if any(parameter.adapter for parameter in tree.parameters):
        saved = [p for p, trains in zip(tree.parameters, mask.trains, strict=True) if trains]
    return sum(one.nbytes // (2 if precision == "bf16" and one.dtype == "float32" else 1) for one in saved)


def rank_within(
    limit: int,
    rules: str,
    steps: Mapping[int, Trace],
    tree: LayerTree,
    batch_size: int | None = None,
    peaks: Mapping[int, int] | None = None,
) -> int:
    """The highest rank of an adapter whose step peaks at `limit` bytes at most; 0 where not even rank 1 does.

    Args:
        rules: what trains.
        steps: by rank, of the source at two ranks, from which those at any other follow.
        tree: of the source at one of these ranks.
        peaks: of these steps under these rules, by rank, in bytes; None has them estimated.

    Raises:
        TraceError: nothing follows from these.
        UnknownCost: the peak is not known.
    """
    mask = resolve(FreezeSpec.parse(rules), tree)
    names = set(mask.names())

    def peak_at(rank: int) -> int:
        trace = steps.get(rank) or trace_at_rank(steps, rank)
        trained = [parameter for parameter in trace.parameters if parameter.name in names]
        return estimate_names(trace, trained, mask.held, batch_size=batch_size).required().peak_bytes

    return largest_rank(peak_at, limit, peaks or {rank: peak_at(rank) for rank in steps})


def largest_rank(peak_at: Callable[[int], int], limit: int, known: Mapping[int, int]) -> int:
    """The highest rank whose step peaks at `limit` bytes at most; 0 where not even rank 1 does.

    At each moment what is alive is a line in the rank, so lines through ranks that were tried say which to try next;
    every third time the middle, where the lines change often.

    Args:
        peak_at: bytes of a rank's step; a higher rank never takes less.
        known: the peaks of two ranks to begin with.
    """
    peaks = dict(known)
    for tried in count(1):
        low = max((rank for rank, peak in peaks.items() if peak <= limit), default=0)
        high = min((rank for rank, peak in peaks.items() if peak > limit), default=MOST_RANK + 1)
        if high - low == 1:
            return low
        one, two = (
            (low, high) if {low, high} <= peaks.keys() else sorted(peaks, key=lambda rank: abs(rank - low))[1::-1]
        )
        rise = (peaks[two] - peaks[one]) / (two - one)
        guess = one + int((limit - peaks[one]) / rise) if rise and tried % 3 else (low + high) // 2
        rank = min(max(guess, low + 1), high - 1)
        peaks[rank] = peak_at(rank)
    raise AssertionError  # unreachable: each rank that is tried leaves fewer
