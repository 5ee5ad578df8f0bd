"""Target `llama-factory`: its `freeze_*` keys, found by asking what its own rule would do with them.

Its rule, of version 0.9: the last n (or first -n) blocks train in the modules named, and any parameter trains whose
name contains the name of an extra module. Names are compared as substrings, so every candidate is checked in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from freezecore._export.causal import require_causal, require_no_tokens, require_whole
from freezecore._export.jinja import render
from freezecore._export.lora import LoraOptions
from freezecore._export.plan import ExportPlan
from freezecore.errors import ExportError
from freezecore.sentences import say
from freezecore.trainer_parts import Parts, language_towers, of_llama_factory
from freezecore.yaml_text import scalar

QUOTE = "'"


FLAGS = ("freeze_vision_tower", "freeze_multi_modal_projector", "freeze_language_model")


@dataclass(frozen=True)
class Keys:
    """Values of `freeze_trainable_layers`, `freeze_trainable_modules` and `freeze_extra_modules`.

    Attributes:
        full: `finetuning_type: full`, which needs none of them.
        spread: `use_llama_pro`: the last of each group of blocks, of as many groups as `layers` says.
        composite: of a multimodal model, how it names its parts; None for others.
        frozen: of such a model, the values of `FLAGS`.
    """

    layers: int = 0
    modules: tuple[str, ...] = ("all",)
    extra: tuple[str, ...] = ()
    full: bool = False
    spread: bool = False
    composite: Parts | None = None
    frozen: tuple[bool, ...] = (True, True, False)

    def fragments(self, blocks: int) -> list[str]:
        """Texts one of which a trainable parameter's name contains."""
        if self.full:
            return [""]
        ids = range(max(0, blocks - self.layers), blocks) if self.layers > 0 else range(min(-self.layers, blocks))
        if self.spread:
            ids = range(blocks // self.layers - 1, blocks, blocks // self.layers)
        inside = [f".{i}.{'' if module == 'all' else module}" for module in self.modules for i in ids]
        projector = self.composite.projector if self.composite and not self.frozen[1] else ()
        return [*inside, *self.extra, *projector]

    @property
    def forbidden(self) -> list[str]:
        """Texts none of which a trainable parameter's name contains."""
        parts = (self.composite.vision, self.composite.projector, self.composite.language) if self.composite else ()
        return [text for part, frozen in zip(parts, self.frozen, strict=False) if frozen for text in part]

    def lines(self) -> list[str]:
        """The keys as YAML lines, without `finetuning_type`."""
        values = zip(FLAGS, self.frozen, strict=True) if self.composite else ()
        flags = [f"{flag}: {str(frozen).lower()}" for flag, frozen in values]
        if self.full:
            return flags
        lines = [f"freeze_trainable_layers: {self.layers}"]
        lines.append(f"freeze_trainable_modules: {scalar(','.join(self.modules), QUOTE)}")
        return lines + ([f"freeze_extra_modules: {scalar(','.join(self.extra), QUOTE)}"] if self.extra else []) + flags


def export_llama_factory(plan: ExportPlan) -> str:
    """Lines for a LLaMA-Factory configuration.

    Raises:
        ExportError: it cannot express the selection; the hint says what comes nearest.
    """
    require_causal(plan, "LLaMA-Factory")
    if plan.source.adapter:
        return render("llama-factory.yaml.jinja", plan=plan, keys=None, lora=_lora(plan))
    names = [p.name for p in plan.tree.parameters]
    wanted = set(plan.mask.names())
    blocks = _blocks(plan)
    candidates = list(_candidates(names, wanted, blocks, _composite(plan)))
    hits = {keys: hit(keys, names, blocks) for keys in candidates}
    exact = [keys for keys in candidates if hits[keys] == wanted]
    if not exact:
        raise _refused(plan, candidates, hits)
    keys = min((_smaller(keys, names, wanted, blocks) for keys in exact), key=lambda k: sum(map(len, k.lines())))
    return render("llama-factory.yaml.jinja", plan=plan, keys=keys, lora=None)


def _lora(plan: ExportPlan) -> LoraOptions:
    """The adapters, where its keys can say them: names of layers, one rank and alpha, whole modules beside them.

    Raises:
        ExportError: they cannot.
    """
    lora = require_whole(plan, "LLaMA-Factory")
    require_no_tokens(lora, "LLaMA-Factory")
    others = isinstance(lora.targets, str) or lora.layers is not None or lora.tensors or lora.ranks or lora.alphas
    if others or lora.bias != "none" or plan.task.multimodal:
        raise ExportError(
            "LLaMA-Factory joins adapters of one rank to layers by the ends of their names; this selection is another.",
            "axolotl and trl can express it.",
        )
    return lora


def _blocks(plan: ExportPlan) -> int:
    """How many blocks it counts: those of the only tower, or of the language model among several; 0 where all train.

    Raises:
        ExportError: there is no such tower.
    """
    towers = plan.tree.towers
    if len(towers) > 1 and plan.task.multimodal:
        towers = language_towers(plan.tree)
    if len(towers) == 1 and towers[0].blocks:
        return len(towers[0].blocks)
    if all(plan.mask.trains):
        return 0
    raise ExportError(
        "LLaMA-Factory counts the blocks of one tower, and {source} has {count} towers.",
        "Export to axolotl, which names parameters.",
        source=plan.source,
        count=len(towers),
    )


def _composite(plan: ExportPlan) -> Parts | None:
    """How LLaMA-Factory names the parts of a multimodal model.

    Raises:
        ExportError: it does not know this one.
    """
    if not plan.task.multimodal:
        return None
    root = plan.task.root
    found = of_llama_factory(root)
    if found is None:
        raise ExportError(
            "LLaMA-Factory knows no towers of {source} as {root}.",
            "Export to axolotl, which names parameters.",
            source=plan.source,
            root=root,
        )
    return found


def hit(keys: Keys, names: list[str], blocks: int) -> set[str]:
    """The names that LLaMA-Factory would let train."""
    fragments, forbidden = keys.fragments(blocks), keys.forbidden
    chosen = [name for name in names if any(fragment in name for fragment in fragments)]
    return {name for name in chosen if not any(text in name for text in forbidden)}


def _candidates(names: list[str], wanted: set[str], blocks: int, composite: Parts | None) -> Iterator[Keys]:
    """All of it, and for each number of blocks the most that trains nothing unwanted; of a multimodal model, with each
    of its parts frozen or not."""
    for frozen in product((True, False), repeat=3) if composite else ((True, True, False),):
        whole = Keys(full=True, composite=composite, frozen=frozen)
        yield whole
        seen = sorted(hit(whole, names, blocks), key=names.index)
        for keys in _of_blocks(seen, wanted, blocks):
            yield replace(keys, composite=composite, frozen=frozen)


def _of_blocks(names: list[str], wanted: set[str], blocks: int) -> Iterator[Keys]:
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
            fewer = Keys(**{**vars(keys), field: tuple(m for m in getattr(keys, field) if m != name)})
            if (fewer.modules or field == "extra") and hit(fewer, names, blocks) == wanted:
                keys = fewer
    return keys


def _refused(plan: ExportPlan, candidates: list[Keys], hits: dict[Keys, set[str]]) -> ExportError:
    sizes = {p.name: p.numel for p in plan.tree.parameters}
    candidates = [keys for keys in candidates if hits[keys] <= set(plan.mask.names())]
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
