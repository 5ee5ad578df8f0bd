"""Spans in a row of tags: `B-PER I-PER O` is one span of the type PER over the first two words.

The definition is that of seqeval's default mode, which is conlleval's (Tjong Kim Sang and Buchholz, CoNLL-2000): a span
also begins at an `I-` that continues nothing. The schemes IOB1, IOB2, IOE and IOBES are all read by it.
"""

from __future__ import annotations

from collections.abc import Sequence

Span = tuple[str, int, int]  # type, first and last word
OUTSIDE = "O"
PREFIXES = {"B": "B", "I": "I", "E": "E", "S": "S", "U": "S", "L": "E"}


def spans(tags: Sequence[str]) -> set[Span]:
    """The spans of one sentence; of tags without a prefix such as `B-`, equal ones in a row are one span."""
    found: set[Span] = set()
    before, kind, start = OUTSIDE, "", 0
    for i, tag in enumerate((*tags, OUTSIDE)):
        prefix, name = _divided(tag)
        if before != OUTSIDE and (before in "ES" or prefix in "BSO" or name != kind):
            found.add((kind, start, i - 1))
        if prefix != OUTSIDE and (prefix in "BS" or before in "ESO" or name != kind):
            start = i
        before, kind = prefix, name
    return found


def has_prefixes(tags: Sequence[str]) -> bool:
    """Whether these tags mark where spans begin or go on, as `B-PER` does; parts of speech do not."""
    return any(tag[1:2] == "-" and tag[0] in PREFIXES for tag in tags)


def _divided(tag: str) -> tuple[str, str]:
    """The place in a span (B, I, E, S) or O, and the type; BILOU's unit and last are S and E."""
    if tag == OUTSIDE:
        return OUTSIDE, ""
    if tag[0] in PREFIXES and tag[1:2] in ("-", ""):
        return PREFIXES[tag[0]], tag[2:]
    return "I", tag
