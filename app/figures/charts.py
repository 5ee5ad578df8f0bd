"""What the charts beside the tree show, as plain data: no Streamlit, no formula."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from app.figures.colours import Look
from app.figures.columns import Column, columns, labels
from app.figures.layout import round_ticks
from app.text import Words
from freezecore._estimate import CurvePoint, Estimate
from freezecore.mask import Mask
from freezecore.report import bytes_text, count_text, flops_text
from freezecore.tree import LayerTree

PARTS = ("weights", "gradients", "optimizer", "activations", "temporaries")
COLOURS = (*PARTS, "train", "frozen")
OUTSIDE = ("embeddings", "stem", "head", "rest")


def still(tree: LayerTree, full: Estimate | None, points: Sequence[CurvePoint], words: Words, look: Look) -> dict:
    """What does not change with a tick: columns, axes, the depth curve, the bar for training everything.

    A column is `[name, count, scalars, blocks up to its end, runs of parameters]`, where a column that is no block has
    0 blocks; a point of the curve is `[place on the axis, peak, its text, backward work, blocks frozen]`.
    """
    found = columns(tree)
    shown = [point for point in points if point.peak_bytes is not None]
    sizes = _sizes(full)
    named = {name: words(f"column.{name}") for name in OUTSIDE}
    names = labels(found, words("side.input"), words("side.output"), named)
    behind = list(_blocks_behind(found))
    return {
        "of": tree.fingerprint,
        "words": _sentences(words),
        "colours": {name: value for name, value in asdict(look).items() if name in COLOURS} | {"edge": look.soft},
        "parts": [[part, words(f"part.{part}")] for part in PARTS],
        "full": sizes,
        "axis": _axis(sum(sizes) if sizes else 1, bytes_text),
        "columns": [
            [name, count_text(column.parameters), column.parameters, blocks, list(_runs(column.positions))]
            for column, name, blocks in zip(found, names, behind, strict=True)
        ],
        "heights": _axis(max((column.parameters for column in found), default=1), count_text, 2),
        "curve": [
            [place, point.peak_bytes, bytes_text(point.peak_bytes), flops_text(point.flops_backward), place_blocks]
            for point, place, place_blocks in _placed(shown, behind)
        ],
        "peaks": _axis(max((point.peak_bytes for point in shown), default=1), bytes_text, 2),
    }


def now(tree: LayerTree, mask: Mask, cost: Estimate | None, note: str) -> dict:
    """What a tick changes: a letter a column, the parts of memory, the peak; or a note where those are unknown."""
    return {
        "of": tree.fingerprint,
        "states": "".join(column.state(mask)[0] for column in columns(tree)),
        "sizes": _sizes(cost),
        "texts": [None if size is None else bytes_text(size) for size in _parts(cost)],
        "peak": cost.peak_bytes if cost else None,
        "note": note,
    }


def _sentences(words: Words) -> dict[str, str]:
    keys = ("memory", "everything", "selection", "where", "hint", "parameters", "depth", "point", "what")
    states = {state[0]: words(f"state.{state}") for state in ("frozen", "trainable", "mixed")}
    return {"lang": words.lang, **states} | {key: words(f"chart.{key}") for key in keys}


def _parts(cost: Estimate | None) -> list[int | None]:
    return [getattr(cost, part) for part in PARTS] if cost else []


def _sizes(cost: Estimate | None) -> list[int] | None:
    return [size or 0 for size in _parts(cost)] if cost else None


def _axis(top: float, text, most: int = 4) -> list[list]:
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


def _blocks_behind(found: Sequence[Column]) -> Iterator[int]:
    """For each block, how many blocks of all towers end with it; 0 for what is no block."""
    count = 0
    for column in found:
        count += column.block is not None
        yield count if column.block is not None else 0


def _placed(points: Sequence[CurvePoint], behind: Sequence[int]) -> Iterator[tuple[CurvePoint, float, int]]:
    """Each point at the border behind its last frozen block; nothing frozen stands before the first column."""
    edge = {0: -0.5} | {blocks: i + 0.5 for i, blocks in enumerate(behind) if blocks}
    for point in points:
        if point.frozen_blocks in edge:
            yield point, edge[point.frozen_blocks], point.frozen_blocks
