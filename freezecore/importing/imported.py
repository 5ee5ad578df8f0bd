"""Imported: what was read, what was mapped to other names, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from freezecore.errors import did_you_mean, shortened
from freezecore.mask import Mask
from freezecore.rules.shortest import shortest_rules
from freezecore.sentences import joined, say
from freezecore.spec import FreezeSpec, Rule, Selector
from freezecore.tree import LayerTree

ADAPTERS = Rule("train", (Selector("kind", "adapters"),))
PASTE = say("Paste rules, a saved spec, names with True or False, or the lines that set requires_grad.")


@dataclass(frozen=True)
class Unread:
    """A line that could not be read, counted from 1, and why."""

    line: int
    text: str
    why: str


@dataclass(frozen=True)
class Line:
    """How many parameters a line, counted from 1, froze and trained."""

    line: int
    text: str
    froze: int
    trained: int


@dataclass(frozen=True)
class Imported:
    """A selection as it was read.

    Attributes:
        kind: `rules`, `spec`, `names`, `python`, or the library whose keys or callbacks it uses: `axolotl`,
            `llama-factory`, `ms-swift`, `torchvision`, `openmmlab`, `ultralytics`, `peft`, `trl`, `unsloth`,
            `lightning`.
        spec: the rules; None where nothing was said.
        mapped: names as they were written, with the names of this tree that they were taken for.
        missing: names that this tree does not have.
        new: parameters of this tree that the text should have mentioned and did not.
        unread: lines that could not be read.
        lines: what each line of a script did.
        notes: how it was read, a sentence each.
        stated: what it says of its training: batch_size, learning_rate, precision, optimizer, schedule, epochs, rates.
        adapter: the adapters that it puts into the model, as a source's `adapter` is written; empty where it puts none.
    """

    kind: str
    spec: FreezeSpec | None
    mapped: Mapping[str, str] | tuple = ()
    missing: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    stated: Mapping[str, object] | tuple = ()
    adapter: str = ""

    @property
    def rules(self) -> str:
        """The rules as text, for the model without its adapters."""
        return str(self.spec) if self.spec is not None else ""

    @property
    def adapted_rules(self) -> str:
        """The rules as text for the model with its adapters, which train; empty where there are none."""
        if not self.adapter or self.spec is None:
            return ""
        *before, last = self.spec.rules or (None,)
        if last is not None and last.action == "train":
            last = replace(last, selectors=(*ADAPTERS.selectors, *last.selectors))
            return str(replace(self.spec, rules=(*before, last)))
        return str(replace(self.spec, rules=(*self.spec.rules, ADAPTERS)))

    def to_json(self) -> dict:
        """The fields as JSON values."""
        return {
            "kind": self.kind,
            "rules": self.rules,
            "mapped": dict(self.mapped),
            "missing": list(self.missing),
            "new": list(self.new),
            "unread": [{"line": u.line, "text": shortened(u.text), "why": u.why} for u in self.unread],
            "lines": [{"line": row.line, "froze": row.froze, "trained": row.trained} for row in self.lines],
            "notes": list(self.notes),
            "stated": dict(self.stated),
            "adapter": self.adapter,
            "adapted_rules": self.adapted_rules,
        }


def spec_of(tree: LayerTree, trains: list[bool]) -> FreezeSpec:
    """The shortest rules of a selection."""
    return shortest_rules(Mask(tree, tuple(trains)))


def hint_for(missing: Sequence[str], unread: Sequence[Unread], tree: LayerTree, built: Sequence[str] = ()) -> str:
    """Why nothing was read: a name or a model that is another one, a line that could not be read, or nothing said."""
    if missing:
        told = [say("Its names are of another model: '{name}' is not in this one.", name=shortened(missing[0]))]
        if built:
            told.append(say("It seems to be for '{name}'.", name=shortened(built[0])))
        return joined(filter(None, (*told, did_you_mean(missing[0], tree.index))), " ")
    if unread:
        return say("Line {line} cannot be read: {why}.", line=unread[0].line, why=unread[0].why)
    if built:
        return say("It builds '{name}' and sets nothing on it. {hint}", name=shortened(built[0]), hint=PASTE)
    return PASTE
