"""The right side: what the selection costs against training everything, and where in the model that comes from."""

from __future__ import annotations

from dataclasses import replace

from app import state
from app.components.charts import cost_charts, largest_part
from app.components.wire import feed
from app.figures import charts, colours
from app.parts import show_errors
from app.server import tick
from app.server.tick import CHARTS
from app.service import cost_numbers
from app.service import selection as chosen
from app.service.cost_numbers import Numbers, numbers_of
from app.service.selection import Selection
from app.text import Words


def cost_pictures(selection: Selection, tree: str) -> None:
    """The numbers and the two charts, which the part of `told` paints; call it outside fragments.

    Args:
        tree: key of the layer tree on the page.
    """
    words = state.words()
    full, points = known_by_now(selection).full, chosen.reference_of(selection).points
    still = charts.still(selection.tree, full, points, words, colours.of(state.theme()))
    cost_charts(still | {"numbers": cost_numbers.named(words)}, tree=tree, key=CHARTS)


def known_by_now(selection: Selection) -> Numbers:
    """What the selection costs; where that went wrong, with what was last known of this model."""
    known, last, model = numbers_of(selection), state.notes("last_known"), selection.tree.fingerprint
    if known.known:
        last.clear()
        last[model] = replace(known, trace=None)
    elif known.fault and model in last:
        return replace(last[model], fault=known.fault)
    return known


def told(selection: Selection, known: Numbers, words: Words) -> dict:
    """The part of a message that paints numbers and charts; what went wrong is told on the page."""
    if known.fault:
        show_errors.show(known.fault.problem, known.fault.hint)
    return tick.painted(selection, known, words, _note(known, words))


def complete(selection: Selection, known: Numbers, words: Words) -> None:
    """Paint the largest batch as well, which takes several estimates: after everything else."""
    found = cost_numbers.largest(known, selection, words)
    feed(largest_part(found, selection.tree.fingerprint, key=CHARTS), key="largest-feed")


def _note(known: Numbers, words: Words) -> str:
    """Why the peak is not there, or is an old one."""
    if known.awaited:
        return words("cost.tracing")
    if known.known:
        return words("cost.old") if known.fault else ""
    return " ".join([words("chart.no_trace"), known.cost.problem if known.cost else ""]).strip()
