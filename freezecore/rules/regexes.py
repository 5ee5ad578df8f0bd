"""Regular expressions that cannot run for ever: refused where a name could be matched in too many ways.

Python's matcher tries every way to share a text between repeats. A repeat inside a repeat, as in `(a+)+`, has
exponentially many; open repeats side by side, as in `.*.*.*.*`, multiply. Both are seen in the parsed pattern, so
nothing has to be timed: the number of ways is counted in powers of two, an open repeat as 32 of them.
"""

from __future__ import annotations

import math
import re
import warnings
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]

from freezecore.errors import RuleError, shortened
from freezecore.sentences import say

LONGEST = 1_000
MOST_WAYS = 16.0
OPEN = 5.0
ENDLESS = math.inf
SMALL = 8
EVERY = frozenset(range(256))
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)


def compile_bounded(text: str, at: int = 0) -> re.Pattern[str]:
    """Compile a regular expression whose search takes bounded time.

    Raises:
        RuleError: it is no regular expression (with its position, counted from `at`), or it could take for ever.
    """
    if len(text) > LONGEST:
        raise RuleError(
            "A regular expression of {count:,} characters is too long.", "Write several rules.", at, count=len(text)
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # "possible nested set": it is read as it stands
            pattern = re.compile(text)
            ways = _ways(list(_parser.parse(text)))
    except re.error as error:
        place = at + (error.pos or 0)
        raise RuleError(
            "'{text}' is no regular expression: {cause}.", _hint(text), place, text=shortened(text), cause=error.msg
        ) from None
    except (RecursionError, OverflowError):
        raise RuleError("'{text}' is nested too deeply.", "Write several rules.", at, text=shortened(text)) from None
    if ways > MOST_WAYS:
        raise RuleError(
            "'{text}' repeats what repeats, or refers back: matching it could take for ever."
            if ways == ENDLESS
            else "'{text}' has too many open repeats: matching it could take for ever.",
            r"Say which characters a repeat takes, as in layer\.[0-9]+\. , or write several rules.",
            at,
            text=shortened(text),
        )
    return pattern


def _hint(text: str) -> str:
    if text.startswith("*"):
        return say("A glob stands alone: write {text} without 'regex:'.", text=shortened(text))
    return say("Put a backslash before a character that stands for itself.")


def _ways(items: list) -> float:
    """In how many ways a sequence can match one text, as a power of two; `ENDLESS` where it grows with the text."""
    return sum(_ways_of(code, argument, items[i + 1 :]) for i, (code, argument) in enumerate(items))


def _ways_of(code, argument, following: list) -> float:
    if code in REPEATS:
        least, most, repeated = argument
        return _repeat_ways(least, most, repeated, following)
    if code is op.SUBPATTERN:
        return _ways(list(argument[-1]))
    if code is op.BRANCH:
        branches = [list(branch) for branch in argument[1]]
        own = 0.0 if _begin_differently(branches) else math.log2(len(branches))
        return own + max(map(_ways, branches))
    if code in (op.ASSERT, op.ASSERT_NOT):
        return _ways(list(argument[1]))
    if code is op.ATOMIC_GROUP:
        return _ways(list(argument))
    # A back-reference makes the count depend on the text itself.
    return ENDLESS if code in (op.GROUPREF, op.GROUPREF_EXISTS) else 0.0


def _repeat_ways(low, high, body, following: list) -> float:
    body = list(body)
    inner = _ways(body)
    if high is not op.MAXREPEAT and high <= SMALL:
        return inner * int(high) + math.log2(int(high) - int(low) + 1)
    if inner:
        return OPEN if _delimited(body) else ENDLESS
    if high == low or (following and _taken(body).isdisjoint(_first(following))):
        return 0.0
    return OPEN


def _begin_differently(branches: list[list]) -> bool:
    firsts = [_first(branch) for branch in branches]
    return all(a.isdisjoint(b) for i, a in enumerate(firsts) for b in firsts[:i])


def _delimited(body: list) -> bool:
    r"""`(\w+\.)*`: a repeat, then a character that it cannot take, so that every text splits in one way."""
    while len(body) == 1 and body[0][0] is op.SUBPATTERN:
        body = list(body[0][1][-1])
    if len(body) != 2 or body[0][0] not in REPEATS:
        return False
    repeated = list(body[0][1][2])
    return not _ways(repeated) and _taken(repeated).isdisjoint(_first(body[1:]))


def _taken(items: list) -> frozenset[int]:
    """Characters that the items may take, by code point; all above ASCII are in whenever one could be."""
    return frozenset().union(*(_characters(code, argument) for code, argument in items))


def _first(items: list) -> frozenset[int]:
    """Characters with which a match of the items must begin; every one where that is not plain."""
    while items and items[0][0] is op.SUBPATTERN:
        items = list(items[0][1][-1]) + items[1:]
    return _characters(*items[0]) if items else EVERY


def _characters(code, argument) -> frozenset[int]:
    if code is op.LITERAL:
        return _both_cases({argument})
    if code is not op.IN:
        return EVERY
    negated = argument[0][0] is op.NEGATE
    found: set[int] = set()
    for kind, value in argument[negated:]:
        if kind is op.LITERAL:
            found.add(value)
        elif kind is op.RANGE:
            found.update(range(value[0], min(value[1], 255) + 1))
        elif value in CATEGORIES:
            found |= CATEGORIES[value]
        else:
            return EVERY
    if negated:
        return EVERY - {character for character in found if character < 128}
    return _both_cases(found)


def _both_cases(characters: set[int]) -> frozenset[int]:
    """`(?i)` may stand anywhere, so both cases count; a character above ASCII may have any other as its twin."""
    if any(character > 127 for character in characters):
        return EVERY
    return frozenset(ord(case) for c in characters for case in (chr(c).lower(), chr(c).upper()))


def _ascii(expression: str) -> set[int]:
    return {i for i in range(128) if re.match(expression, chr(i))}


CATEGORIES = {op.CATEGORY_DIGIT: _ascii(r"\d"), op.CATEGORY_SPACE: _ascii(r"\s"), op.CATEGORY_WORD: _ascii(r"\w")}
