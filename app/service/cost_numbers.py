"""The four numbers above the charts, each against training everything, as plain data: no Streamlit, no formula."""

from __future__ import annotations

from dataclasses import dataclass

from app.service import selection as chosen
from app.service.selection import Selection
from app.text import Words
from freezecore._estimate import Estimate
from freezecore._estimate.budget import fits, fits_on
from freezecore._estimate.cards import CARDS
from freezecore._trace import Trace
from freezecore.errors import FreezeError
from freezecore.report import bytes_text, change_text, flops_text

CARD = next(card for card in CARDS if card.name.startswith("T4"))


@dataclass(frozen=True)
class Numbers:
    """What is known of a selection's cost; nothing while its training step is being followed, or cannot be.

    With a fault the numbers, if any, are an earlier selection's.
    """

    trace: Trace | None = None
    cost: Estimate | None = None
    full: Estimate | None = None
    fault: FreezeError | None = None

    @property
    def known(self) -> bool:
        """Whether the peak is there."""
        return self.cost is not None and self.cost.peak_bytes is not None

    @property
    def awaited(self) -> bool:
        """Whether the step is still being followed."""
        return self.cost is None and self.fault is None


def numbers_of(selection: Selection) -> Numbers:
    """What is known by now."""
    if not chosen.stage_of(selection):
        return Numbers()
    try:
        trace, cost = chosen.cost_of(selection)
        return Numbers(trace, cost, chosen.full_of(selection, trace))
    except FreezeError as error:
        return Numbers(fault=error)


def named(words: Words) -> list[list[str]]:
    """Each number's name and what it means; a `{moment}` in it is for the browser to fill in."""
    names = {"fits": words("cost.fits", card=CARD.name.split()[0])}
    keys = ("peak", "fits", "backward", "findings")
    return [[names.get(key) or words(f"cost.{key}"), words(f"cost.{key}_help")] for key in keys]


def told(numbers: Numbers, selection: Selection, words: Words) -> list[list]:
    """Each number's text, what stands below it, and whether that saves something; None stands for no text."""
    cost, full = numbers.cost, numbers.full
    otherwise = "…" if numbers.awaited else words("unknown")
    findings = chosen.findings_of(selection, fixes=False)
    worst = findings[0].severity if findings else None
    return [
        [
            bytes_text(cost.peak_bytes) if cost else otherwise,
            *_against(cost and cost.peak_bytes, full and full.peak_bytes, words),
        ],
        [words(f"fits.{fits_on(CARD, cost.peak_bytes)}") if cost else otherwise, None, False],
        [
            flops_text(cost.flops_backward) if cost else otherwise,
            *_against(cost and cost.flops_backward, full and full.flops_backward, words),
        ],
        [
            str(len(findings)) if findings else words("cost.no_findings"),
            words(f"severity.{worst}") if worst else words("cost.nothing_wrong"),
            False,
        ],
    ]


def largest(numbers: Numbers, selection: Selection, words: Words) -> str | None:
    """The largest batch that fits on the card, in words; several estimates, so it comes after everything else."""
    if not numbers.known or numbers.fault:
        return None
    found = fits(numbers.trace, selection.mask, batch_size=selection.link.batch, cards=(CARD,))[0].largest_batch
    return words("cost.largest", batch=found) if found else None


def _against(value: int | None, full: int | None, words: Words) -> tuple[str | None, bool]:
    """`−48 % vs full`, and whether that saves something; nothing where one of them is unknown."""
    if value is None or not full:
        return None, False
    return words("cost.against", change=change_text(value, full)), value < full
