"""Freeze, or LoRA? as texts: a row for each way, and what takes the same memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from freezecore.adapter import MOST_RANK, at_rank, parse_adapters, print_adapters
from freezecore.errors import FreezeError
from freezecore.report import bytes_text, count_text, flops_text, metric_text

from ..link import Link
from ..text import UNKNOWN, Words
from .rule_words import as_code
from .selection import ModelSelection
from .versus import LEAST, MOST, Way, as_deep_as, rank_as_large_as

RANKS = tuple(2**power for power in range(MOST.bit_length()) if LEAST <= 2**power <= MOST)


def adapter_text(rank: int, targets: str) -> str:
    """The LoRA that a slider and a field say.

    Raises:
        FreezeError: the field is no selector.
    """
    where = targets.strip()
    return print_adapters(parse_adapters(f"lora r={rank}" + (f" on {where}" if where else "")))


def way_rows(found: Sequence[Way], words: Words) -> list[dict]:
    """A row for each way, by the columns' names; sizes and work are numbers, or None."""
    return [
        {
            words("versus.way"): words(f"versus.{way.key}"),
            words("versus.peak"): way.peak_bytes,
            words("fit.fits"): "…" if way.is_awaited else words(f"fits.{way.fits}"),
            words("versus.backward"): getattr(way.known.cost, "flops_backward", None),
            words("versus.trains"): way.mask.trainable if way.mask else None,
            words("versus.checkpoint"): way.checkpoint_bytes,
            words("versus.accuracy"): _score(way, words),
        }
        for way in found
    ]


def row_texts(words: Words) -> dict:
    """How the numbers of a row are written, by the columns' names."""
    return {
        words("versus.peak"): bytes_text,
        words("versus.backward"): flops_text,
        words("versus.trains"): count_text,
        words("versus.checkpoint"): bytes_text,
    }


def _score(way: Way, words: Words) -> str:
    """The accuracy of its run; of data without classes another metric, by its name."""
    if way.link.quantize:
        return words("versus.only_priced")
    if way.tried is None or way.tried.score is None:
        return UNKNOWN
    metric = way.tried.scored_by
    told = metric_text(metric, way.tried.score)
    return told if metric == "accuracy" else f"{words(f'metric.{metric}')} {told}"


def same_memory(
    found: Sequence[Way], selection: ModelSelection, words: Words
) -> Iterator[tuple[str, str, Link | None]]:
    """At equal memory: how much trains without an adapter in what LoRA takes, and the rank that this selection's own
    memory allows; each with its name, its sentence, and the link that makes it so, None where there is none."""
    this, lora = (next((way for way in found if way.key == key), None) for key in ("this", "lora"))
    if lora is None or lora.peak_bytes is None or this is None or this.peak_bytes is None:
        return
    try:
        rules = as_deep_as(lora.peak_bytes, selection)
        rank = None if selection.link.adapter else rank_as_large_as(this.peak_bytes, lora.link)
    except FreezeError:  # told beside the way itself
        return
    peak = bytes_text(lora.peak_bytes)
    if rules is None:
        yield "same_memory", words("versus.nothing_as_small", peak=peak), None
    else:
        text = words("versus.same_memory", peak=peak, rules=as_code(rules) if rules else words("fit.nothing_frozen"))
        yield "same_memory", text, replace(selection.link, adapter=None, quantize=None, rules=rules)
    if rank is not None:
        yield "same_rank", *_rank(rank, bytes_text(this.peak_bytes), lora.link, words)


def _rank(rank: int, peak: str, lora: Link, words: Words) -> tuple[str, Link | None]:
    if not rank:
        return words("versus.no_rank", peak=peak), None
    text = words("versus.any_rank" if rank == MOST_RANK else "versus.same_rank", peak=peak, rank=rank)
    return text, replace(lora, adapter=at_rank(lora.adapter or "", min(rank, MOST)))
