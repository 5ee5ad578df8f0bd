"""The numbers and charts beside the tree as the browser paints them: plain data, no Streamlit, no formula.

`model_part` is sent once for a model and a workload, `selection_part` with every tick, `largest_part` with the page's
own answer to it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import asdict

from freezecore._estimate import AnyEstimate, CurvePoint
from freezecore._estimate.budget import SLOW_BF16, fits_on
from freezecore._estimate.cards import Card
from freezecore._estimate.cost import at_most
from freezecore._estimate.peaks import LARGEST
from freezecore.report import bytes_text, change_text, count_text, flops_text
from freezecore.tree import LayerTree

from ..service.findings import findings_of
from ..service.pricing import KnownCost, fit_of
from ..service.selection import ModelSelection
from ..text import Words, meaning
from .columns import Column, columns, labels
from .style import Palette, round_ticks

CHANNEL = "charts"
PARTS = ("weights", "gradients", "optimizer", "activations", "temporaries")
MEANINGS = {"optimizer": "optimizer_state"}  # parts whose term has another name
COLOURS = (*PARTS, "train", "frozen")
NUMBERS = ("peak", "fits", "backward", "findings")


def model_part(
    tree: LayerTree,
    full: AnyEstimate | None,
    points: Sequence[CurvePoint],
    words: Words,
    palette: Palette,
    card: Card | None = None,
    of_parts: Mapping[str, Sequence[CurvePoint]] | None = None,
) -> dict:
    """What no tick changes: the numbers' names, columns, axes, the depth curve, and what training everything takes.

    A column is `[name, count, scalars, blocks up to its end, runs of parameters]`, where a column that is no block has
    0 blocks. The first curve is that of the model, `of_parts` has the points of its parts': `[its part, in words,
    points]`, and a point is `[place on the axis, peak, its text, backward work]`.
    """
    found = columns(tree)
    parts = [part.name for part in tree.parts if any(t.blocks for t in tree.towers if t.part == part.name)]
    curves = {"": points} | {part: (of_parts or {}).get(part, ()) for part in parts}
    shown = [point for each in curves.values() for point in each if point.peak_bytes is not None]
    sizes = _sizes(full)
    behind = list(_blocks_behind(found))
    return {
        "of": tree.fingerprint,
        "words": _sentences(words),
        "numbers": _names(card, words),
        "colours": {name: value for name, value in asdict(palette).items() if name in COLOURS} | {"edge": palette.soft},
        "parts": [[part, words(f"part.{part}"), meaning(MEANINGS.get(part, part), words)] for part in PARTS],
        "full": sizes,
        "axis": _axis(sum(sizes) if sizes else 1, bytes_text),
        "columns": [
            [name, count_text(column.parameters), column.parameters, blocks, list(_runs(column.positions))]
            for column, name, blocks in zip(found, labels(found, words), behind, strict=True)
        ],
        "heights": _axis(max((column.parameters for column in found), default=1), count_text, 2),
        "curves": [
            [part, words(f"tree.part_{part}" if part else "chart.whole"), list(_placed(each, found, tree, part))]
            for part, each in curves.items()
        ],
        "peaks": _axis(max((point.peak_bytes for point in shown), default=1), bytes_text, 2),
    }


def selection_part(selection: ModelSelection, known: KnownCost, words: Words) -> dict:
    """What a tick changes: the numbers, a letter a column, the parts of memory, the peak; or why those are unknown."""
    tree, cost = selection.tree, known.cost
    return {
        "channel": CHANNEL,
        "part": "selection",
        "of": tree.fingerprint,
        "states": "".join(column.state(selection.mask)[0] for column in columns(tree)),
        "sizes": _sizes(cost),
        "texts": [None if size is None else bytes_text(size) for size in _parts(cost)],
        "peak": cost.peak_bytes if cost and cost.known else None,
        "numbers": _numbers(selection, known, words),
        "moment": words.said(cost.peak_moment) if cost and cost.known else None,
        "note": _note(known, words),
        "old": bool(known.fault and cost),
    }


def largest_part(selection: ModelSelection, known: KnownCost, words: Words) -> dict:
    """The largest batch that fits on the card, in words; several estimates, so no part of the quick answer."""
    text = None
    if known.has_peak and not known.fault:
        text = _on_card(selection, known, words) if selection.card else words("cost.no_card")
    return {"channel": CHANNEL, "part": "largest", "of": selection.tree.fingerprint, "text": text}


def _on_card(selection: ModelSelection, known: KnownCost, words: Words) -> str | None:
    """The largest batch on the card, and what else to know about it."""
    one = fit_of(selection, known)
    most, largest = one.largest_batch, None
    if most:
        at_end = most >= LARGEST
        largest = words("cost.largest_at_least", batch=most) if at_end else words("cost.largest", batch=most)
    return (
        " · ".join(filter(None, (largest, words("cost.no_bf16") if one.note == SLOW_BF16 else words.said(one.note))))
        or None
    )


def _names(card: Card | None, words: Words) -> list[list[str]]:
    """Each number's name and what it means; a `{moment}` in it is for the browser to fill in."""
    names = {"fits": words("cost.fits", card=_short(card)) if card else words("cost.fits_no_card")}
    return [[names.get(key) or words(f"cost.{key}"), words(f"cost.{key}_help")] for key in NUMBERS]


def _short(card: Card) -> str:
    """`T4` for `T4 16 GB`; with the number where there are several."""
    return card.name.removesuffix(" GB") if card.name.startswith("A100") else card.name.split(" (")[0].rsplit(" ", 2)[0]


def _numbers(selection: ModelSelection, known: KnownCost, words: Words) -> list[list]:
    """Each number's text, what stands below it, and whether that saves something; None stands for no text.

    A number that warns has a fourth: what the button beside it says, which leads to what mends that.
    """
    cost, full, card = known.cost, known.full, selection.card
    unknown = "…" if known.is_awaited else words("unknown")
    findings = findings_of(selection, fixes=False)
    worst = words(f"severity.{findings[0].severity}") if findings else words("cost.nothing_wrong")
    peak, work = (getattr(cost, name, None) for name in ("peak_bytes", "flops_backward"))
    fit = fits_on(card, peak) if cost and card else None
    way = [words("cost.fit_way")] if fit is False else []
    return [
        [bytes_text(peak) if cost else unknown, *_against(cost, full, "peak_bytes", words)],
        [words(f"fits.{fit}") if cost and card else unknown if card else "–", None, False, *way],
        [flops_text(work) if cost else unknown, *_against(cost, full, "flops_backward", words)],
        [str(len(findings)) if findings else words("cost.no_findings"), worst, False],
    ]


def _against(cost: AnyEstimate | None, full: AnyEstimate | None, name: str, words: Words) -> tuple[str | None, bool]:
    """`−48 % vs full`, and whether that saves something; nothing where one of them is unknown."""
    value, whole = (getattr(one, name, None) for one in (cost, full))
    if value is None or not whole:
        return None, False
    return words("cost.against", change=change_text(value, whole)), value < whole


def _note(known: KnownCost, words: Words) -> str:
    """Why the peak is not there, is an old one, or may be far lower."""
    if known.is_awaited:
        return words("cost.tracing")
    if known.has_peak:
        dearest = words("cost.dearest", epoch=known.epoch) if known.epoch else ""
        return " ".join(filter(None, (words("cost.old") if known.fault else dearest, *_may_be_lower(known, words))))
    if known.fault:
        return words.said(known.fault.problem)
    return " ".join([words("chart.no_trace"), known.cost.problem if known.cost else ""]).strip()


def _may_be_lower(known: KnownCost, words: Words) -> Iterator[str]:
    for told in at_most(known.cost) if known.cost else ():
        yield words("cost.at_most", why=words.said(told))


def _sentences(words: Words) -> dict[str, str]:
    keys = (
        "memory",
        "everything",
        "selection",
        "where",
        "hint",
        "moment",
        "parameters",
        "depth",
        "point",
        "what",
        "blocks_of",
        "depth_part",
    )
    states = {state[0]: words(f"state.{state}") for state in ("frozen", "trainable", "mixed")}
    return {"lang": words.lang, **states} | {key: words(f"chart.{key}") for key in keys}


def _parts(cost: AnyEstimate | None) -> list[int | None]:
    return [getattr(cost, part, None) for part in PARTS] if cost else []


def _sizes(cost: AnyEstimate | None) -> list[int] | None:
    return [size or 0 for size in _parts(cost)] if cost else None


def _axis(top: float, text: Callable, most: int = 4) -> list[list]:
    return [[tick, text(tick)] for tick in round_ticks(top, most)]


def _runs(positions: Sequence[int]) -> Iterator[list[int]]:
    """Neighbouring positions as `[first, one past the last]`."""
    run: list[int] = []
    for position in positions:
        if run and run[1] == position:
            run[1] += 1
        else:
            if run:
                yield run
            run = [position, position + 1]
    if run:
        yield run


def _blocks_behind(found: Sequence[Column], among: Container[str] | None = None) -> Iterator[int]:
    """For each block, how many blocks end with it, of all towers or of those with these names; 0 for anything else."""
    count = 0
    for column in found:
        is_block = column.block is not None and (among is None or column.tower in among)
        count += is_block
        yield count if is_block else 0


def _placed(points: Sequence[CurvePoint], found: Sequence[Column], tree: LayerTree, part: str) -> Iterator[list]:
    """Each point at the border behind its last frozen block; nothing frozen stands before the first column."""
    among = {tower.name for tower in tree.towers if part in ("", tower.part)}
    first = next((i for i, column in enumerate(found) if not part or column.tower in among), 0)
    edge = {blocks: i + 0.5 for i, blocks in enumerate(_blocks_behind(found, among)) if blocks} | {0: first - 0.5}
    for point in points:
        if point.peak_bytes is not None and point.frozen_blocks in edge:
            work = flops_text(point.flops_backward)
            yield [edge[point.frozen_blocks], point.peak_bytes, bytes_text(point.peak_bytes), work]
