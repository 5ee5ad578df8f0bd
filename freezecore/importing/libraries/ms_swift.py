"""ms-swift, by the rule of its `transformers_utils.py`."""

from __future__ import annotations

from bisect import bisect_right
from functools import partial
from itertools import accumulate

from freezecore import trainer_parts
from freezecore.errors import RuleError
from freezecore.importing.libraries import peft
from freezecore.importing.libraries.axolotl import linear_names
from freezecore.importing.libraries.reading import Reading
from freezecore.rules.regexes import compile_bounded
from freezecore.sentences import clause, say

ADAPTER = {**peft.ITSELF, "r": "lora_rank"}
KEYS = ("freeze_llm", "freeze_vit", "freeze_aligner", "freeze_parameters", "freeze_parameters_ratio",
        "freeze_parameters_regex", "trainable_parameters", "trainable_parameters_regex")  # fmt: skip


def read(found: Reading) -> bool:
    """ms-swift: a share from the first parameter on, prefixes and expressions; what is trainable wins."""
    mapping, tree = found.mapping, found.tree
    full = any(key in mapping for key in KEYS if "parameters" in key)  # which are read for full training alone
    if str(mapping.get("tuner_type", mapping.get("train_type", "full" if full else "lora"))) != "full":
        return _adapters(found)
    found.trains = [True] * len(found.trains)
    frozen, trained = found.texts("freeze_parameters"), found.texts("trainable_parameters")
    named = (*frozen, *trained)
    ratio = mapping.get("freeze_parameters_ratio", 0)
    if isinstance(ratio, (int, float)) and ratio > 0:
        sizes = list(accumulate(tree.sizes))
        for i in range(bisect_right(sizes, int(sizes[-1] * ratio))):
            found.trains[i] = False
    kind = found.model_class
    parts = trainer_parts.of_ms_swift(kind)
    if parts is not None:
        frozen += parts.language if mapping.get("freeze_llm", False) else ()
        frozen += parts.vision if mapping.get("freeze_vit", True) else ()
        (frozen if mapping.get("freeze_aligner", True) else trained).extend(parts.projector)
        frozen += parts.generator
    for key in ("freeze_llm", "freeze_vit", "freeze_aligner"):
        if parts is None and mapping.get(key):
            found.leave(key, say("the parts of '{name}' are not known to ms-swift's table here", name=kind))
    for value, prefixes, key in (
        (False, frozen, "freeze_parameters_regex"),
        (True, trained, "trainable_parameters_regex"),
    ):
        found.set(value, partial(_begins, tuple(prefixes)))
        if mapping.get(key):
            try:
                found.set(value, compile_bounded(str(mapping[key])).search)
            except RuleError as error:
                found.leave(key, clause(error.problem))
    found.missing += [each for each in named if not any(p.name.startswith(each) for p in tree.parameters)]
    return True


def _adapters(found: Reading) -> bool:
    """LoRA under ms-swift's keys and with its own usual values."""
    options = {"r": 8, "lora_alpha": 32, "lora_dropout": 0.05, **peft.options_of(found, ADAPTER)}
    targets = found.texts("target_modules") if "target_modules" in found.mapping else ["all-linear"]
    if "all-linear" in targets and trainer_parts.of_ms_swift(found.model_class) is not None:
        found.leave("target_modules", say("which parts of a multimodal model 'all-linear' joins is not followed"))
        targets.remove("all-linear")
    elif "all-linear" in targets:
        targets = [*linear_names(found.tree, ("lm_head",)), *(each for each in targets if each != "all-linear")]
    return peft.read(found, {**options, "target_modules": targets, "task_type": "CAUSAL_LM"}, ADAPTER)


def _begins(prefixes: tuple[str, ...], name: str) -> bool:
    return name.startswith(prefixes)
