"""LLaMA-Factory, by the rules of its `adapter.py` and `visual.py`."""

from __future__ import annotations

from functools import partial

from freezecore import peft_rules, trainer_parts
from freezecore._export.llama_factory import Keys, hit
from freezecore.errors import ExportError, shortened
from freezecore.importing.libraries import peft
from freezecore.importing.libraries.reading import Reading
from freezecore.sentences import say
from freezecore.tree import LayerTree

FREEZE_KEYS = {"freeze_trainable_layers", "freeze_trainable_modules", "freeze_extra_modules"}
ADAPTER = {
    "r": "lora_rank",
    "lora_alpha": "lora_alpha",
    "lora_dropout": "lora_dropout",
    "use_rslora": "use_rslora",
    "use_dora": "use_dora",
    "target_modules": "lora_target",
    "modules_to_save": "additional_target",
}
KEYS = (*FREEZE_KEYS, "finetuning_type", "lora_target", "use_llama_pro", "additional_target", "freeze_vision_tower",
        "freeze_multi_modal_projector", "freeze_language_model")  # fmt: skip


def read(found: Reading) -> bool:
    """LLaMA-Factory: everything, the chosen blocks, or what is saved beside adapters, without the forbidden parts."""
    mapping = found.mapping
    kind = mapping.get("finetuning_type", "freeze" if FREEZE_KEYS & set(mapping) else "lora")
    if kind == "full":
        found.trains = [True] * len(found.trains)
    elif kind == "freeze":
        _blocks(found)
    elif kind in ("lora", "oft"):
        return _adapters(found, kind)
    else:
        found.leave("finetuning_type", say("what '{name}' trains is not known", name=shortened(str(kind))))
        return True
    for part in _forbidden(found):
        found.set(False, partial(_has, part))
    return True


def _adapters(found: Reading, kind: str) -> bool:
    """LoRA under LLaMA-Factory's keys: alpha is twice the rank and every linear layer is joined where nothing is said.

    Of a multimodal model a name may stand anywhere in a path, and the parts that are not to train have no adapters.
    """
    if found.mapping.get("adapter_name_or_path"):
        found.leave("adapter_name_or_path", say("what its adapter's own file says is not known"))
    options = {"peft_type": kind, "r": 8, **peft.options_of(found, ADAPTER)}
    options.setdefault("lora_alpha", options["r"] * 2 if isinstance(options["r"], int) else None)
    targets, known = found.texts("lora_target") or ["all"], trainer_parts.of_llama_factory(found.model_class)
    forbidden = ["lm_head", *(known.projector if known else ())]
    forbidden += known.vision if known and found.mapping.get("freeze_vision_tower", True) is True else ()
    layers = [layer for layer in found.tree.layers if layer.path]
    if targets == ["all"]:
        free = [each for each in layers if not any(part in each.path for part in forbidden)]
        targets = list(dict.fromkeys(each.path.rpartition(".")[2] for each in free if "Linear" in each.type))
    if known:
        frozen = (*_forbidden(found), *known.unadapted)
        paths = [each.path for each in layers if any(target in each.path for target in targets)]
        able = {each.path for each in layers if peft_rules.ADAPTED & set(each.bases)}
        targets = [path for path in paths if path in able and not any(part in path for part in frozen)]
    return peft.read(
        found, {**options, "target_modules": targets, "task_type": "CAUSAL_LM"}, {**peft.ITSELF, **ADAPTER}
    )


def _blocks(found: Reading) -> None:
    layers = found.number("freeze_trainable_layers", 2)
    modules, extra = found.texts("freeze_trainable_modules") or ["all"], found.texts("freeze_extra_modules")
    names, blocks = [p.name for p in found.tree.parameters], _language_blocks(found.tree)
    spread = found.mapping.get("use_llama_pro") is True
    if spread and (layers <= 0 or blocks % layers):
        raise ExportError(
            "use_llama_pro divides {blocks} blocks by {layers}, which leaves a rest.",
            "LLaMA-Factory refuses it too.",
            blocks=blocks,
            layers=layers,
        )
    chosen = set(hit(Keys(layers, tuple(modules), tuple(extra), spread=spread), names, blocks))
    if found.mapping.get("freeze_multi_modal_projector") is False:
        known = trainer_parts.of_llama_factory(found.model_class)
        projector = known.projector if known else ()
        chosen |= {name for name in names if any(part in name for part in projector)}
    parts = {part for name in names for part in name.split(".")}
    found.missing += [module for module in (*modules, *extra) if module != "all" and module not in parts]
    found.trains = [name in chosen for name in names]


def _language_blocks(tree: LayerTree) -> int:
    """How many blocks the language model has: LLaMA-Factory counts those of the text configuration."""
    towers, at = trainer_parts.language_towers(tree), tree.layer_at
    largest = max(towers, key=lambda tower: sum(at[block].parameters for block in tower.blocks), default=None)
    return len(largest.blocks) if largest else 0


def _forbidden(found: Reading) -> list[str]:
    """The parts that LLaMA-Factory freezes whatever else is said: those of a multimodal model."""
    kind = found.model_class
    known, forbidden = trainer_parts.of_llama_factory(kind), []
    for key, part, default in (
        ("freeze_vision_tower", "vision", True),
        ("freeze_multi_modal_projector", "projector", True),
        ("freeze_language_model", "language", False),
    ):
        if known and found.mapping.get(key, default) is True:
            forbidden += getattr(known, part)
        elif not known and key in found.mapping and len(found.tree.towers) > 1:
            found.leave(key, say("the parts of '{name}' are not known to LLaMA-Factory's table here", name=kind))
    return forbidden


def _has(part: str, name: str) -> bool:
    return part in name
