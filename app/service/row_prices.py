"""What training a block, or a part, adds to the backward pass, in words beside its row."""

from __future__ import annotations

from freezecore.report import share_text
from freezecore.rules.grammar import whole_part

from ..text import Words
from .pricing import reference_of
from .selection import ModelSelection


def row_prices(selection: ModelSelection, words: Words) -> dict[str, tuple[str, str, float]]:
    """By path a short text, a sentence, and its share from 0 to 1; nothing until the step has been traced."""
    shown, reference = {}, reference_of(selection)
    rows = [(path, path, price) for path, price in reference.prices.items()]
    parts = reference.part_prices.items()
    rows += [(whole_part(part), words(f"tree.part_{part}"), price) for part, price in parts]
    for row, path, price in rows:
        if price.share_backward is not None:
            backward, weights = share_text(price.share_backward, 1), share_text(price.share_parameters, 1)
            title = words("price.why", path=path, weights=weights, backward=backward)
            shown[row] = words("price.short", backward=backward), title, min(1.0, price.share_backward)
    return shown
