"""What fits, as texts: every card with its margin, several of them, what was measured, smaller steps, a budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from freezecore import calibration
from freezecore._estimate.budget import fits, fits_on, least_frozen
from freezecore._estimate.cards import all_cards, margin_bytes
from freezecore._estimate.devices import per_device
from freezecore._estimate.peaks import LARGEST, under
from freezecore.calibration import Calibration
from freezecore.errors import WorkloadError
from freezecore.report import bytes_text

from ..text import Words
from .pricing import cost_of
from .rule_words import as_code
from .selection import ModelSelection
from .smaller_steps import SmallerStep, smaller_steps

GB = 10**9
DEFAULT_BUDGET, LARGEST_BUDGET = 16.0, 80.0  # GB, where no card is chosen


def is_too_small(selection: ModelSelection) -> bool:
    """Whether the step is known not to fit on the chosen card."""
    cost = cost_of(selection)[1]
    return bool(selection.card) and fits_on(selection.card, getattr(cost, "peak_bytes", None)) is False


def card_rows(selection: ModelSelection, words: Words) -> list[dict]:
    """A row for each card, by the columns' names; the largest batch is a number, or None."""
    trace, _, epoch = cost_of(selection)
    known = all_cards()
    found = fits(trace, selection.phases[epoch], batch_size=selection.link.batch, cards=known)
    return [
        {
            words("fit.card"): ("▸ " if card == selection.card else "") + card.box_name,
            words("fit.fits"): words(f"fits.{one.fits}"),
            words("fit.largest"): one.largest_batch,
            words("fit.usable"): bytes_text(one.card_bytes),
            words("fit.left"): bytes_text(one.margin_bytes),
            words("fit.note"): words.said(one.note),
        }
        for card, one in zip(known, found, strict=True)
    ]


def largest_text(most: float) -> str:
    """A largest batch as the table writes it."""
    return f"≥ {most:,.0f}" if most >= LARGEST else f"{most:,.0f}"


def devices_lines(selection: ModelSelection, world: int, sharding: str, words: Words) -> list[str]:
    """What each of several such cards takes, and why; nothing for one card, or where it is not known."""
    trace, cost, epoch = cost_of(selection)
    if world < 2 or not cost.known:
        return []
    share = per_device(trace, selection.phases[epoch], world, sharding, batch_size=selection.link.batch)
    told, card = [words("fit.each", world=world, bytes=bytes_text(share.peak_bytes))], selection.card
    if card:
        verdict = words(f"fits.{fits_on(card, share.peak_bytes)}")
        told.append(words("cost.fits", card=card.box_name) + " " + verdict)
    return [" · ".join(told), words.said(share.why)]


def measured_lines(own: Iterable[Calibration], words: Words) -> list[str]:
    """What was measured on cards, those of this program first; or that nothing was."""
    return [words.said(one.sentence()) for one in (*calibration.kept(), *own)] or [words("fit.none_measured")]


def smaller_lines(selection: ModelSelection, words: Words) -> Iterator[tuple[SmallerStep, str]]:
    """The least change of each kind that makes the step smaller, with what it then takes."""
    for step in smaller_steps(selection, selection.card):
        shown = {name: words.either(f"{name}.{value}", str(value)) for name, value in step.fields.items()}
        rules = as_code(step.fields.get("rules") or words("fit.nothing_frozen"))
        does = words(f"fit.smaller_{step.kind}", **{"rules": rules} if step.kind == "freeze" else shown)
        verdict = words("fit.smaller_awaited") if step.fits is None else words(f"fit.smaller_{step.fits}")
        peak = [] if step.peak_bytes is None else [bytes_text(step.peak_bytes)]
        yield step, " · ".join((does, *peak, verdict))


def budget_range(selection: ModelSelection) -> tuple[float, float, float]:
    """The least and the most that can be asked for, in GB, in steps of 0.1, and what is asked at first."""
    card = selection.card
    most = card.usable_bytes / GB if card else LARGEST_BUDGET
    return most - int(10 * most - 10) / 10, most, most if card else DEFAULT_BUDGET


def usable_bytes(selection: ModelSelection, budget: float) -> int:
    """So many GB in bytes, never more than the chosen card has."""
    usable = round(budget * GB)
    return min(usable, selection.card.usable_bytes) if selection.card else usable


def least_within(selection: ModelSelection, usable: int, words: Words) -> str:
    """The rules that freeze as little as fits into so many bytes together with the cards' margin.

    Raises:
        WorkloadError: nothing fits.
    """
    trace, *_ = cost_of(selection)
    limit = under(usable, margin_bytes)
    found = least_frozen(trace, selection.tree, limit, batch_size=selection.link.batch)
    if found.rules is None:
        problem = found.problem or words("fit.impossible", budget=bytes_text(usable))
        raise WorkloadError(problem, words("fit.impossible_hint"))
    return found.rules
