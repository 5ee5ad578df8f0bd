"""Plan: what an export has to say, worked out once for every target."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, urlencode

from freezecore._export.names import Names, names_in_order
from freezecore._export.python import comment
from freezecore._export.selection import Selection, select
from freezecore.errors import ExportError, shortened
from freezecore.mask import Mask
from freezecore.rates import is_head, learning_rates, model_kind
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec, Selector
from freezecore.tree import LayerTree

EVERYTHING = Selector("kind", "all")
LONGEST_RULES = 600
LONGEST_LINK = 4_000
PAGE = "http://127.0.0.1:8501/"  # where `make run` serves it


@dataclass(frozen=True)
class Plan:
    """A selection on a model, epoch by epoch, and how it is to be trained.

    Attributes:
        masks: the first epoch of each phase with its mask, ascending; one entry where nothing changes.
        learning_rate: of everything that trains; None takes a usual one for this selection.
        head_learning_rate: of the head where it differs.
        layer_decay: factor on the learning rate per block away from the head.
        link: where the page opens this selection; None takes the page that `make run` serves.
    """

    source: ModelSource
    spec: FreezeSpec
    tree: LayerTree
    masks: tuple[tuple[int, Mask], ...]
    learning_rate: float | None = None
    head_learning_rate: float | None = None
    layer_decay: float | None = None
    link: str | None = None

    @property
    def scheduled(self) -> bool:
        """Whether the selection changes from an epoch on."""
        return len(self.masks) > 1

    @property
    def mask(self) -> Mask:
        """The mask of the first epoch."""
        return self.masks[0][1]

    @cached_property
    def names(self) -> Names:
        """The model's parameter names."""
        return names_in_order(self.tree)

    @cached_property
    def selections(self) -> tuple[tuple[int, Selection], ...]:
        """The first epoch of each phase with what trains in it, by name."""
        from_all = any(rule.action == "freeze" and EVERYTHING in rule.selectors for rule in self.spec.rules)
        return tuple((epoch, select(self.names, mask.names(), mostly=not from_all)) for epoch, mask in self.masks)

    @property
    def counts(self) -> tuple[tuple[int, int, int], ...]:
        """Per phase: its first epoch, how many parameters train, and how many scalars they have."""
        return tuple((epoch, sum(mask.trains), mask.trainable) for epoch, mask in self.masks)

    @property
    def shrinks(self) -> bool:
        """Whether something that trained is frozen in a later phase."""
        pairs = zip(self.masks, self.masks[1:], strict=False)
        return any(
            before and not after for (_, a), (_, b) in pairs for before, after in zip(a.trains, b.trains, strict=True)
        )

    @cached_property
    def in_head(self) -> Selection | None:
        """Which parameters are the head's, by name; None where the model has none."""
        head = [p.name for p in self.tree.parameters if p.kind == "head"]
        return select(self.names, head) if head else None

    @cached_property
    def rate(self) -> float:
        """The learning rate asked for, else the one that a probe tries: the head's where nothing else ever trains."""
        rates = learning_rates(self.masks[-1][1], model_kind(self.source, self.tree), body=self.learning_rate)
        ever = zip(self.tree.parameters, *(mask.trains for _, mask in self.masks), strict=True)
        head_alone = self.learning_rate is None and all(is_head(p) for p, *trains in ever if any(trains))
        return rates.head if head_alone else rates.body

    @property
    def reopens(self) -> str:
        """The link that opens this selection in the page."""
        if self.link:
            return self.link
        query = {"model": str(self.source), "rules": one_line(self.spec)}
        if self.source.task:
            query["task"] = self.source.task
        if self.source.num_labels:
            query["labels"] = str(self.source.num_labels)
        link = PAGE + "?" + urlencode(query, safe=":;,*@!./", quote_via=quote, errors="replace").replace("%20", "+")
        return (
            link
            if len(link) <= LONGEST_LINK
            else PAGE + "?" + urlencode({"model": str(self.source)}, safe=":/.", errors="replace")
        )

    @property
    def header(self) -> str:
        """Comment lines: what was chosen, how much of the model that is, and the link."""
        _, count, scalars = self.counts[0]
        trains = f"{count} of {len(self.tree.parameters)} parameters train"
        weights = f"{scalars:,} of {self.tree.total:,} scalars"
        first = ", at first" if self.scheduled else ""
        lines = [
            f"{self.source}: {shortened(one_line(self.spec) or 'as its author set it', LONGEST_RULES)}",
            f"{trains}{first}: {weights}.",
            *self._tied(),
            f"Open this selection again: {self.reopens}",
        ]
        return "\n".join(map(comment, lines))

    def _tied(self) -> list[str]:
        """A sentence on tensors that train under a name by which nobody would look for them."""
        tied = [p for p in self.tree.parameters if p.aliases and self.mask[p.name] and not all(self.mask.trains)]
        return [f"{' and '.join(p.names)} are one tensor." for p in tied[:3]]

    def require_training(self) -> None:
        """Raise ExportError where nothing trains in some phase."""
        for epoch, count, _ in self.counts:
            if not count:
                raise ExportError(
                    "Nothing trains from epoch {epoch} on under '{rules}', so there is nothing to export."
                    if self.scheduled
                    else "Nothing trains under '{rules}', so there is nothing to export.",
                    "Let something train, such as the head: add 'train head'.",
                    epoch=epoch,
                    rules=one_line(self.spec),
                )


def number(value: float) -> str:
    """A float as a person writes it: 1e-3, 0.05, 2e-5."""
    text = f"{value:.3e}" if value < 1e-2 else f"{value:g}"
    mantissa, e, exponent = text.partition("e")
    return f"{float(mantissa):g}e{int(exponent)}" if e else text


def one_line(spec: FreezeSpec) -> str:
    """The spec's rules on one line."""
    return "; ".join(line.strip() for line in str(spec).splitlines() if line.strip())
