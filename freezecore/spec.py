"""FreezeSpec: what a person wants frozen, as rules. They are read from top to bottom; the last one that hits wins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from freezecore.arguments import checked

# Rules and specs print and parse themselves, for convenience, by the grammar that makes them: it is imported only then.

Action = Literal["freeze", "train"]
Norms = Literal["hold", "update"]
Dropout = Literal["off", "on"]
Form = Literal["path", "contains", "regex", "type", "kind", "blocks", "stages", "part"]
ROLES: tuple[str, ...] = ("embeddings", "stem", "neck", "head", "norms", "biases", "adapters", "routers", "all")


@dataclass(frozen=True, slots=True)
class Selector:
    """One way to name parameters.

    Attributes:
        form: how `value` is matched.
        value: a path or glob, a text, a role from `ROLES`, a part of the model, or positions such as `0-2`, `first3`.
        tower: the tower or part that `blocks@TOWER:` names; None is every tower.
    """

    form: Form
    value: str
    tower: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """`freeze` or `train`, and the selectors it applies to."""

    action: Action
    selectors: tuple[Selector, ...]

    def __str__(self) -> str:
        from freezecore.rules.grammar import print_rule

        return print_rule(self)


@dataclass(frozen=True, slots=True)
class Phase:
    """Rules that join those above them from an epoch on (the first epoch is 0)."""

    epoch: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class FreezeSpec:
    """Which parameters a person wants frozen, and how frozen modules behave.

    Attributes:
        rules: in order; what none of them hits keeps what the model's author set.
        norms: `hold` keeps the statistics of frozen norms, `update` leaves them to the training loop.
        dropout: `off` keeps frozen modules deterministic, `on` leaves them to the training loop.
        phases: gradual unfreezing, epochs ascending.
    """

    rules: tuple[Rule, ...] = ()
    norms: Norms = "hold"
    dropout: Dropout = "off"
    phases: tuple[Phase, ...] = ()

    @classmethod
    @checked
    def parse(cls, text: str) -> FreezeSpec:
        """Read rules; the grammar stands in freezecore.rules.grammar.

        Raises:
            RuleError: with the position of the first character that cannot be read.
        """
        from freezecore.rules.grammar import parse_spec

        return parse_spec(text)

    def at_epoch(self, epoch: int) -> FreezeSpec:
        """The spec without phases that holds in this epoch: the first rules, then each phase begun by then."""
        begun = [rule for phase in self.phases if phase.epoch <= epoch for rule in phase.rules]
        return replace(self, rules=(*self.rules, *begun), phases=())

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs at which the selection changes, the first (0) included."""
        return tuple(sorted({0, *(phase.epoch for phase in self.phases)}))

    @cached_property
    def _text(self) -> str:
        from freezecore.rules.grammar import print_spec

        return print_spec(self)

    def __str__(self) -> str:
        return self._text
