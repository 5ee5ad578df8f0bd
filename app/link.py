"""The link: the page's whole state as a readable query string, read leniently and written canonically."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from urllib.parse import quote, urlencode

from freezecore._estimate.cards import Card, all_cards
from freezecore.adapter import parse_adapters, print_adapters
from freezecore.errors import FreezeError, shortened
from freezecore.packaged import DEFAULT_SOURCE as DEFAULT_MODEL
from freezecore.source import MOST_LABELS, QUANTIZED, TASKS, ModelSource
from freezecore.workload import CHOICES, LIMITS

from .text import LANGUAGES

LONGEST_RULES = 4_000
LONGEST_WORD = 80
MOST_RUNS = 8
CPU, DEFAULT_CARD = "cpu", "t4-16"


@dataclass(frozen=True)
class Link:
    """What a link carries; None takes the model's or the page's own default.

    `adapter` and `quantize` are what was put into the model, and how its own weights are kept. `card` is the memory
    that a step must fit into, and brings its kernels; older links name a `device` instead. `trainer` is whose loop
    runs the step. `size` is pixels per side for pictures, tokens per sample for text. `run`, `search`, `klass` and
    `lesson` name a probe's run, a sweep or search, a class and a lesson; `guess` and `runs` what was guessed in that
    lesson, and the runs that answered.
    """

    model: str = DEFAULT_MODEL
    rules: str | None = None
    task: str | None = None
    labels: int | None = None
    adapter: str | None = None
    quantize: str | None = None
    batch: int = 32
    size: int | None = None
    optimizer: str = "adamw"
    precision: str = "fp32"
    checkpointing: bool = False
    card: str = DEFAULT_CARD
    accumulate: int = 1
    trainer: str = "pytorch"
    lang: str | None = None
    run: str | None = None
    search: str | None = None
    klass: str | None = None
    lesson: str | None = None
    guess: str | None = None
    runs: str | None = None

    @property
    def values(self) -> dict[str, str | int | bool | None]:
        """Its fields, which are plain values, by their names."""
        return dict(vars(self))

    @property
    def device(self) -> str:
        """Whose kernels the step runs: the chosen card brings its own."""
        return "cpu" if self.card == CPU else "cuda"

    def query(self) -> str:
        """The query string without its `?`: only what differs from a fresh page, readable where URLs allow it."""
        pairs = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "model" or value != field.default:
                name = NAMES.get(field.name, field.name)
                pairs.append((name, "1" if value is True else str(value)))
        return urlencode(pairs, safe=":;,*@!./", quote_via=quote).replace("%20", "+")


NAMES = {"klass": "class"}
OLD = {"device": "card"}  # fields of older links, and what they have become
KNOWN = {*OLD, *(NAMES.get(field.name, field.name) for field in fields(Link))}


def cards_by_slug() -> dict[str, Card | None]:
    """The CPU, which is no card, the cards of this machine, and those that are known, by their names in a link."""
    return _by_slug(all_cards())


@lru_cache(maxsize=4)  # one tick asks seven times
def _by_slug(cards: tuple[Card, ...]) -> dict[str, Card | None]:
    return {CPU: None} | {card.slug: card for card in cards}


def read_link(query: Mapping[str, str]) -> tuple[Link, tuple[str, ...]]:
    """The link of a query, and the names of the fields that were ignored because they cannot be used."""
    link, ignored = Link(), []
    for name, text in query.items():
        if OLD.get(name) in query:
            continue
        if name not in KNOWN:
            ignored.append(shortened(name, 30))
            continue
        try:
            link = replace(link, **{_field(name): READERS[name](text)})
        except (ValueError, FreezeError):
            ignored.append(name)
    return link, tuple(ignored)


def _field(name: str) -> str:
    return "klass" if name == "class" else OLD.get(name, name)


def _model(text: str) -> str:
    return str(ModelSource.parse(text))


def _rules(text: str) -> str:
    if len(text) > LONGEST_RULES or not text.replace("\n", "").isprintable():
        raise ValueError
    return text


def _one_of(*choices: str):
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError
        return text

    return read


def _between(limits: tuple[int, int]):
    def read(text: str) -> int:
        if len(text) > 9 or not text.isascii() or not text.isdigit() or not limits[0] <= int(text) <= limits[1]:
            raise ValueError
        return int(text)

    return read


def _adapter(text: str) -> str:
    try:
        return print_adapters(parse_adapters(text))
    except FreezeError as error:
        raise ValueError from error


def _token(text: str) -> str:
    if not 1 <= len(text) <= LONGEST_WORD or not all(ch.isascii() and (ch.isalnum() or ch in "-_") for ch in text):
        raise ValueError
    return text


def _tokens(text: str) -> str:
    if len(text.split(",")) > MOST_RUNS:
        raise ValueError
    return ",".join(map(_token, text.split(",")))


READERS = {
    "model": _model,
    "rules": _rules,
    "task": _one_of(*TASKS),
    "labels": _between((1, MOST_LABELS)),
    "adapter": _adapter,
    "quantize": _one_of(*QUANTIZED),
    "batch": _between(LIMITS["batch_size"]),
    "size": _between((1, LIMITS["sequence_length"][1])),
    "optimizer": _one_of(*CHOICES["optimizer"]),
    "precision": _one_of(*CHOICES["precision"]),
    "checkpointing": lambda text: _one_of("0", "1")(text) == "1",
    "card": lambda text: _one_of(*cards_by_slug())(text.lower()),
    "accumulate": _between(LIMITS["accumulate"]),
    "trainer": _one_of(*CHOICES["trainer"]),
    "device": lambda text: CPU if _one_of(*CHOICES["device"])(text) == "cpu" else DEFAULT_CARD,
    "lang": _one_of(*LANGUAGES),
    "run": _token,
    "search": _token,
    "class": _token,
    "lesson": _token,
    "guess": _token,
    "runs": _tokens,
}
