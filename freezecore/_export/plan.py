"""ExportPlan: what an export has to say, worked out once for every target and read by its template."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from urllib.parse import quote, urlencode

from freezecore._export.model import Building, building
from freezecore._export.python import Condition, comment, condition, quoted
from freezecore._export.selection import Cover, NameSelection, select
from freezecore.errors import ExportError, shortened
from freezecore.mask import Mask
from freezecore.rates import Rates, is_head, learning_rates, model_kind
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec, Selector
from freezecore.tree import LayerTree

EVERYTHING = Selector("kind", "all")
LONGEST_RULES = 600
LONGEST_LINK = 4_000
CAUSAL = ("ForCausalLM", "LMHeadModel")
WITH_LOSS = ("LMHeadModel", "DoubleHeadsModel", "ForPreTraining")  # beside every class with "For" in its name
PAGE = "http://127.0.0.1:8501/"  # where `make run` serves it


@dataclass(frozen=True)
class ExportPlan:
    """A selection on a model, epoch by epoch, and how it is to be trained.

    Attributes:
        masks: the first epoch of each phase with its mask, ascending; one entry where nothing changes.
        learning_rate: of everything that trains; None takes a usual one for this selection.
        head_learning_rate: of the head where it differs; None takes a usual one where no rate was asked for.
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
    def rules(self) -> str:
        """The rules on one line."""
        return "; ".join(line.strip() for line in str(self.spec).splitlines() if line.strip())

    @property
    def scheduled(self) -> bool:
        """Whether the selection changes from an epoch on."""
        return len(self.masks) > 1

    @property
    def mask(self) -> Mask:
        """The mask of the first epoch."""
        return self.masks[0][1]

    @cached_property
    def selections(self) -> tuple[tuple[int, NameSelection], ...]:
        """The first epoch of each phase with what trains in it, by name."""
        from_all = any(rule.action == "freeze" and EVERYTHING in rule.selectors for rule in self.spec.rules)
        return tuple((epoch, select(self.tree.names, mask.names(), mostly=not from_all)) for epoch, mask in self.masks)

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
    def conditions(self) -> tuple[tuple[int, Condition], ...]:
        """The first epoch of each phase with what trains in it, as Python."""
        suffix = "_{}" if self.scheduled else ""
        return tuple((epoch, condition(selection, suffix.format(epoch))) for epoch, selection in self.selections)

    @property
    def trains_everything(self) -> bool:
        """Whether nothing is ever frozen."""
        return not self.scheduled and all(self.mask.trains)

    @property
    def holds(self) -> bool:
        """Whether frozen modules are kept in eval mode."""
        return not self.trains_everything and any(mask.held for _, mask in self.masks)

    @property
    def keeps_norms(self) -> bool:
        """Whether norms that the first phase holds stay held when they begin to train."""
        return any(mask.also_held for _, mask in self.masks)

    @property
    def norms(self) -> list[str]:
        """Class names, as literals, of the modules whose buffers move in train mode."""
        return [quoted(name) for name in sorted({layer.type for layer in self.tree.layers if layer.moves})]

    @property
    def named_like_wrapped(self) -> bool:
        """Whether a name holds by itself what torch.compile or DDP put before names."""
        return any(name.startswith("module.") or "_orig_mod." in name for name in self.tree.index)

    @cached_property
    def model(self) -> Building:
        """How to build the model.

        Raises:
            ExportError: the source cannot be written as an import.
        """
        return building(self.source, self.tree.layers[0].type)

    @property
    def imports(self) -> str:
        """Import lines of what every script does: build the model and freeze it."""
        held = ["from types import MethodType"] if self.holds else []
        return "\n".join(["from torch import nn", *held, *self.model.imports])

    @property
    def dictionaries(self) -> bool:
        """Whether batches are dictionaries with labels, from which the model gives a loss, as Hugging Face models do.

        Raises:
            ExportError: the model has no head, so nothing gives a loss.
        """
        if self.source.scheme not in ("hf", "config"):
            return False
        root = self.tree.layers[0].type
        if "For" not in root and not root.endswith(WITH_LOSS):
            raise ExportError(
                "{source} as {root} has no head, so a training loop has no loss.",
                "Choose a task, such as sequence-classification, or export to pytorch.",
                source=self.source,
                root=root,
            )
        return True

    @property
    def causal(self) -> bool:
        """Whether the model continues texts."""
        return self.tree.layers[0].type.endswith(CAUSAL)

    @property
    def epochs(self) -> int:
        """How many epochs an example trains: one of the last phase, three where nothing changes."""
        return self.masks[-1][0] + 1 if self.scheduled else 3

    @property
    def grouped(self) -> bool:
        """Whether parts of the model have learning rates of their own."""
        return self.head_rate is not None or self.layer_decay is not None

    @cached_property
    def head(self) -> tuple[str, ...]:
        """Paths at or under which the head's parameters lie, and no others."""
        head = [p.name for p in self.tree.parameters if p.kind == "head"]
        return (select(self.tree.names, head).take or Cover(tuple(head))).paths if head else ()

    @property
    def blocks(self) -> list[str]:
        """Paths of the blocks, from the input on."""
        return [path for tower in self.tree.towers for path in tower.blocks]

    @property
    def before_blocks(self) -> list[str]:
        """Paths of what stands before the blocks."""
        return [path for tower in self.tree.towers for path in (*tower.embeddings, *tower.stem)]

    @cached_property
    def rate(self) -> float:
        """The learning rate asked for, else the one that a probe tries: the head's where nothing else ever trains."""
        return self.learning_rate or (self._rates.head if all(self._heads) else self._rates.body)

    @cached_property
    def head_rate(self) -> float | None:
        """The head's learning rate where it differs from `rate`: the one asked for, else the one that a probe tries."""
        if self.head_learning_rate or self.learning_rate:
            return self.head_learning_rate
        differs = self._rates.head != self._rates.body and any(self._heads) and not all(self._heads)
        return self._rates.head if differs else None

    @cached_property
    def _rates(self) -> Rates:
        return learning_rates(self.masks[-1][1], model_kind(self.source, self.tree))

    @cached_property
    def _heads(self) -> list[bool]:
        """Of each parameter that ever trains, whether it is the head's."""
        return [
            is_head(parameter) for _, mask in self.masks for parameter in compress(self.tree.parameters, mask.trains)
        ]

    @property
    def reopens(self) -> str:
        """The link that opens this selection in the page."""
        if self.link:
            return self.link
        query = {"model": str(self.source), "rules": self.rules}
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
            f"{self.source}: {shortened(self.rules or 'as its author set it', LONGEST_RULES)}",
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
                    rules=self.rules,
                )
