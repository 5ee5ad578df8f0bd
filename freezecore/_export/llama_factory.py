"""Target `llama-factory`: its `freeze_*` keys, found by asking what its own rule would do with them.

Its rule, of version 0.9: the last n (or first -n) blocks train in the modules named, and any parameter trains whose
name contains the name of an extra module. Names are compared as substrings, so every candidate is checked in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from freezecore._export.causal import require_causal
from freezecore._export.jinja import render
from freezecore._export.plan import ExportPlan
from freezecore.errors import ExportError
from freezecore.sentences import say
from freezecore.yaml_text import scalar

QUOTE = "'"


@dataclass(frozen=True)
class Keys:
    """Values of `freeze_trainable_layers`, `freeze_trainable_modules` and `freeze_extra_modules`."""

    layers: int
    modules: tuple[str, ...]
    extra: tuple[str, ...] = ()

    def fragments(self, blocks: int) -> list[str]:
        """Texts one of which a trainable parameter's name contains."""
        ids = range(max(0, blocks - self.layers), blocks) if self.layers > 0 else range(min(-self.layers, blocks))
        inside = [f".{i}.{'' if module == 'all' else module}" for module in self.modules for i in ids]
        return [*inside, *self.extra]

    def lines(self) -> list[str]:
        """The keys as YAML lines."""
        lines = [f"freeze_trainable_layers: {self.layers}"]
        lines.append(f"freeze_trainable_modules: {scalar(','.join(self.modules), QUOTE)}")
        return lines + ([f"freeze_extra_modules: {scalar(','.join(self.extra), QUOTE)}"] if self.extra else [])


def export_llama_factory(plan: ExportPlan) -> str:
    """Lines for a LLaMA-Factory configuration.

    Raises:
        ExportError: it cannot express the selection; the hint says what comes nearest.
    """
    require_causal(plan, "LLaMA-Factory")
    if all(plan.mask.trains):
        return render("llama-factory.yaml.jinja", plan=plan, keys=None)
    names = [p.name for p in plan.tree.parameters]
    wanted = set(plan.mask.names())
    blocks = len(plan.tree.towers[0].blocks) if len(plan.tree.towers) == 1 else 0
    if not blocks:
        raise ExportError(
            "LLaMA-Factory counts the blocks of one tower, and {source} has {count} towers.",
            "Export to axolotl, which names parameters.",
            source=plan.source,
            count=len(plan.tree.towers),
        )
    candidates = list(_candidates(names, wanted, blocks))
    hits = {keys: hit(keys, names, blocks) for keys in candidates}
    exact = [keys for keys in candidates if hits[keys] == wanted]
    if not exact:
        raise _refused(plan, candidates, hits)
    keys = min((_smaller(keys, names, wanted, blocks) for keys in exact), key=lambda k: sum(map(len, k.lines())))
    return render("llama-factory.yaml.jinja", plan=plan, keys=keys)


def hit(keys: Keys, names: list[str], blocks: int) -> set[str]:
    """The names that LLaMA-Factory would let train."""
    fragments = keys.fragments(blocks)
    return {name for name in names if any(fragment in name for fragment in fragments)}


def _candidates(names: list[str], wanted: set[str], blocks: int) -> Iterator[Keys]:
    """For each number of blocks, the most that trains nothing unwanted."""
    hidden = dict.fromkeys(_hidden(name) for name in names)
    outside = dict.fromkeys(n.split(".")[-2] for n in names if not re.search(r"\.\d+\.", n) and "." in n)
    extra = tuple(m for m in outside if _usable(m) and all(name in wanted for name in names if m in name))
    for layers in range(-blocks, blocks + 1):
        if hit(Keys(layers, ("all",)), names, blocks) <= wanted:
            yield Keys(layers, ("all",), extra)
        elif modules := tuple(
            m for m in hidden if m and _usable(m) and hit(Keys(layers, (m,)), names, blocks) <= wanted
        ):
            yield Keys(layers, modules, extra)


def _hidden(name: str) -> str | None:
    """The module within a block, as LLaMA-Factory collects them from its first blocks."""
    for fragment in (".0.", ".1."):
        if fragment in name:
            return name.split(fragment)[-1].split(".")[0]
    return None


def _usable(module: str) -> bool:
    """Whether a name survives LLaMA-Factory's list of names between commas."""
    return module == module.strip() and "," not in module and module != "all"


def _smaller(keys: Keys, names: list[str], wanted: set[str], blocks: int) -> Keys:
    """The same without names that add nothing."""
    for field in ("extra", "modules"):
        for name in getattr(keys, field):
            fewer = Keys(**{**keys.__dict__, field: tuple(m for m in getattr(keys, field) if m != name)})
            if (fewer.modules or field == "extra") and hit(fewer, names, blocks) == wanted:
                keys = fewer
    return keys


def _refused(plan: ExportPlan, candidates: list[Keys], hits: dict[Keys, set[str]]) -> ExportError:
    sizes = {p.name: p.numel for p in plan.tree.parameters}
    best = max(candidates, key=lambda keys: sum(sizes[name] for name in hits[keys]), default=None)
    hint = say("axolotl and transformers-trainer can express it.")
    if best is not None and hits[best]:
        count = sum(sizes[name] for name in hits[best])
        hint = say(
            "Nearest, {count:,} of the {total:,} scalars: {keys}. axolotl and transformers-trainer can express it.",
            count=count,
            total=plan.mask.trainable,
            keys="; ".join(best.lines()),
        )
    return ExportError(
        "LLaMA-Factory lets the first or the last blocks train, and modules by a part of their name; "
        "this selection is neither.",
        hint,
    )
