"""Adapter: small matrices that train beside a model's own weights, said in one line of text.

    adapters   adapter (';' adapter)*
    adapter    'lora' (OPTION | 'rslora' | 'dora')* ['on' selector…]
    OPTION     'r=8' | 'alpha=16' | 'dropout=0.05' | 'tokens=' ROWS (',' ROWS)*
    ROWS       '7' | '32000-32003'

Selectors are those of rules (`freezecore.rules.grammar`). Without `on`, every linear layer but the head is adapted.
`tokens` are rows of the table of words that train beside the matrices, as `trainable_token_indices` of PEFT; those that
follow the table's last row are new tokens, for which it is made larger.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from freezecore.errors import SourceError, did_you_mean, meant, shortened
from freezecore.rules.grammar import Word, parse_selector, print_selector, statements
from freezecore.sentences import say
from freezecore.spec import Selector

KINDS = ("lora",)
MOST_RANK = 65_536
LARGEST_ALPHA = 10**6
MOST_ADAPTERS = 100
LONGEST = 4_000
MOST_TOKENS = 100_000
OPTIONS = ("r", "alpha", "dropout", "tokens")
SWITCHES = ("rslora", "dora")
SYNONYMS = {"rank": "r", "lora_r": "r", "lora_alpha": "alpha", "lora_dropout": "dropout", "use_rslora": "rslora",
            "use_dora": "dora", "target_modules": "on", "targets": "on",
            "trainable_token_indices": "tokens"}  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12}")
_ROWS = re.compile(r"[0-9]{1,9}(?:-[0-9]{1,9})?(?:,[0-9]{1,9}(?:-[0-9]{1,9})?)*")


@dataclass(frozen=True)
class Adapter:
    """One adapter, as PEFT builds it: beside a layer's weight W stands scale · B A, of rank `r`.

    Attributes:
        kind: `lora`.
        r: rank.
        alpha: the scale is alpha / r, or alpha / √r under `rslora`; 8 unless said, as in PEFT.
        dropout: chance at which an input of A is dropped.
        rslora: rank-stabilised scale (arXiv 2312.03732).
        dora: the weight's magnitude trains on its own (arXiv 2402.09353).
        targets: what is adapted; empty means every linear layer but the head.
        tokens: rows of the table of words that train as well, ascending.
    """

    kind: str = "lora"
    r: int = 8
    alpha: float = 8
    dropout: float = 0.0
    rslora: bool = False
    dora: bool = False
    targets: tuple[Selector, ...] = ()
    tokens: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Adapter:
        """Read one adapter.

        Raises:
            SourceError: a number is out of range, a word is unknown, or these are several.
            RuleError: a selector that cannot be read.
        """
        found = parse_adapters(text)
        if len(found) != 1:
            raise SourceError("'{text}' are several adapters, where one is wanted.", "Give one.", text=shortened(text))
        return found[0]

    @property
    def scale(self) -> float:
        """What the product of its two matrices is multiplied by."""
        return self.alpha / (math.sqrt(self.r) if self.rslora else self.r)

    def __str__(self) -> str:
        words = [self.kind, f"r={self.r}"]
        words += [f"alpha={self.alpha:g}"] * (self.alpha != Adapter.alpha)
        words += [f"dropout={self.dropout:g}"] * bool(self.dropout)
        words += [switch for switch in SWITCHES if getattr(self, switch)]
        words += [f"tokens={','.join(_printed(span) for span in spans(self.tokens))}"] * bool(self.tokens)
        return " ".join([*words, *(["on", *map(print_selector, self.targets)] if self.targets else [])])


def parse_adapters(text: str) -> tuple[Adapter, ...]:
    """Read adapters joined by `;`: at least one.

    Raises:
        SourceError: a number is out of range, or a word is unknown.
        RuleError: a selector that cannot be read.
    """
    if len(text) > LONGEST:
        raise SourceError(
            "'{text}' is longer than {most:,} characters.", "Name layers by globs, such as *.q_proj.",
            text=shortened(text), most=LONGEST,
        )  # fmt: skip
    found = tuple(_adapter(words) for words in statements(text) if words)
    if not found or len(found) > MOST_ADAPTERS:
        raise SourceError(
            "These are {count} adapters; from 1 to {most} can be read." if found else "The adapter says nothing.",
            "Write something like 'lora r=8'.",
            count=len(found),
            most=MOST_ADAPTERS,
        )
    return found


def trained_tokens(adapters: Sequence[Adapter]) -> list[int]:
    """Rows of the table of words that train beside these adapters, ascending."""
    return sorted({row for adapter in adapters for row in adapter.tokens})


def new_rows(tokens: Iterable[int], rows: int) -> range | None:
    """The rows that these tokens add behind the last of a table of so many, as `resize_token_embeddings` does; an empty
    range where they add none, None where they leave some out."""
    beyond = sorted(token for token in tokens if token >= rows)
    added = range(rows, rows + len(beyond))
    return added if beyond == [*added] else None


def spans(rows: Iterable[int]) -> list[range]:
    """Ascending numbers as runs of neighbours."""
    found: list[range] = []
    for row in rows:
        if found and row == found[-1].stop:
            found[-1] = range(found[-1].start, row + 1)
        else:
            found.append(range(row, row + 1))
    return found


def _printed(span: range) -> str:
    return str(span.start) if len(span) == 1 else f"{span.start}-{span.stop - 1}"


def print_adapters(adapters: tuple[Adapter, ...]) -> str:
    """Adapters as text; `parse_adapters` reads back the same."""
    return "; ".join(map(str, adapters))


def at_rank(text: str, rank: int) -> str:
    """Adapters as text, the first of them at another rank."""
    first, *others = parse_adapters(text)
    return print_adapters((replace(first, r=rank), *others))


def _adapter(words: list[Word]) -> Adapter:
    (kind, *others), texts = (word.text for word in words), [word.text for word in words]
    if kind not in KINDS:
        raise SourceError(
            "There is no kind of adapter called '{kind}'.",
            did_you_mean(kind, KINDS) or "Write something like 'lora r=8'.",
            kind=shortened(kind),
        )
    at = texts.index("on") if "on" in texts else len(words)
    if at == len(words) - 1:
        raise SourceError("'on' names nothing.", "Write something like 'lora r=8 on *.q_proj *.v_proj'.")
    fields: dict[str, float | bool | tuple[int, ...]] = {}
    for word in others[: at - 1]:
        name, _, value = word.partition("=")
        if name not in (SWITCHES if word in SWITCHES else OPTIONS):
            _unknown(word)
        if name in fields:
            raise SourceError("'{name}' is said twice.", "Say it once.", name=name)
        fields[name] = True if word in SWITCHES else _rows(value) if name == "tokens" else number_of(name, value)
    return Adapter(kind, targets=tuple(map(parse_selector, words[at + 1 :])), **fields)  # type: ignore[arg-type]


def _unknown(word: str) -> NoReturn:
    name = word.partition("=")[0]
    known = SYNONYMS.get(name.lower())
    hint = meant([known]) if known else did_you_mean(name, (*OPTIONS, *SWITCHES, "on"))
    raise SourceError(
        "An adapter has no '{word}'.",
        hint or say("Write something like 'lora r=8 alpha=16 dropout=0.05 rslora dora on *.q_proj *.v_proj'."),
        word=shortened(word),
    )


def _rows(text: str) -> tuple[int, ...]:
    """The rows of `tokens`: numbers, and from one to another."""
    ends = [part.partition("-") for part in text.split(",")] if _ROWS.fullmatch(text) else []
    runs = [range(int(first), int(last or first) + 1) for first, _, last in ends]
    if not 0 < sum(map(len, runs)) <= MOST_TOKENS or not all(runs):
        raise SourceError(
            "'{said}' names no tokens, or more than {most:,}.",
            "Write their numbers in the table of words: 'tokens=32000-32003' or 'tokens=5,9'.",
            said=shortened(text),
            most=MOST_TOKENS,
        )
    return tuple(sorted({row for run in runs for row in run}))


def number_of(name: str, text: str) -> float:
    """The value of an option: whole where it must be or can be.

    Raises:
        SourceError: it is no number, or out of range.
    """
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    said = shortened(text)
    if name == "r" and not (1 <= value <= MOST_RANK and value.is_integer()):
        raise SourceError(
            "'{said}' is no rank.", "Choose a whole number from 1 to {most:,}.", said=said, most=MOST_RANK
        )
    if name == "alpha" and not 0 < value <= LARGEST_ALPHA:
        raise SourceError("'{said}' is no alpha.", "Choose a number above 0, such as 16.", said=said)
    if name == "dropout" and not 0 <= value < 1:
        raise SourceError("'{said}' is no chance of dropout.", "Choose a number from 0 to below 1.", said=said)
    return int(value) if value == int(value) else value
