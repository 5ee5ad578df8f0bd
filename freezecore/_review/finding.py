"""Finding: one thing that is wrong with a selection, or surprising, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from freezecore.mask import Mask
from freezecore.rules.grammar import parse_spec, print_selector
from freezecore.sentences import filled, say
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec, Selector
from freezecore.tree import LayerTree
from freezecore.workload import Workload

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
MOST_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """One thing to know about a selection.

    Attributes:
        code: stable name, such as `leak`.
        severity: `error` (training would be pointless), `warning` (probably not meant), `note` (worth knowing).
        layers: paths or parameter names that it is about.
        message: one or two sentences, given as their template, which the facts fill in.
        fix: rules that mend it when they are added; None where it is for a person to decide.
        facts: numbers and names of the message as text, and what else is known.
    """

    code: str
    severity: Severity
    layers: tuple[str, ...]
    message: str
    fix: str | None = None
    facts: dict[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", filled(self.message, dict(self.facts)))


@dataclass(frozen=True)
class Case:
    """What is reviewed: a mask on its tree, and whatever else is known.

    Attributes:
        tree: the layers.
        mask: which of them train.
        spec: the rules that gave the mask.
        workload: how it is to be trained.
        source: which model, with which weights and how many labels.
        prices: per path, an object with `share_backward` (0 to 1, or None).
        fixes: whether mending rules are asked for.
        sharding: what several devices divide; None on one.
    """

    tree: LayerTree
    mask: Mask
    spec: FreezeSpec | None = None
    workload: Workload | None = None
    source: ModelSource | None = None
    prices: dict | None = None
    fixes: bool = True
    sharding: str | None = None

    def frozen(self, positions) -> list[int]:
        """Those of the positions that are frozen."""
        return [i for i in positions if not self.mask.trains[i]]

    def training(self, positions) -> list[int]:
        """Those of the positions that train."""
        return [i for i in positions if self.mask.trains[i]]

    def names(self, positions) -> tuple[str, ...]:
        """Names of the parameters at these positions."""
        return tuple(self.tree.parameters[i].name for i in positions)

    def numel(self, positions) -> int:
        """Scalars in the parameters at these positions."""
        return sum(self.tree.sizes[i] for i in positions)

    @property
    def everything(self) -> range:
        """All positions."""
        return range(len(self.tree.parameters))


def by_name(action: str, paths) -> str:
    """A rule that names these parameters or modules one by one."""
    return f"{action} " + " ".join(print_selector(Selector("path", path)) for path in paths)


def listed(names: tuple[str, ...] | list[str]) -> str:
    """The first few names as a sentence takes them: `a, b, c and 4 more`."""
    first, more = ", ".join(names[:MOST_NAMED]), len(names) - MOST_NAMED
    return say("{first} and {more:,} more", first=first, more=more) if more > 0 else first


def mended(spec: FreezeSpec, fix: str) -> FreezeSpec:
    """The spec with a finding's fix: its rules after the first ones and its settings for the whole run."""
    added = parse_spec(fix)
    words = fix.split()
    return FreezeSpec(
        (*spec.rules, *added.rules),
        added.norms if "norms" in words[:1] else spec.norms,
        added.dropout if "dropout" in words[:1] else spec.dropout,
        spec.phases,
    )
