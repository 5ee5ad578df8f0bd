"""axolotl, by the rule of its `freeze.py`."""

from __future__ import annotations

import re

from freezecore.errors import ExportError, RuleError
from freezecore.importing.imported import Unread
from freezecore.importing.libraries import peft
from freezecore.importing.libraries.reading import MOST, Reading
from freezecore.rules.regexes import compile_bounded
from freezecore.sentences import clause, say
from freezecore.tree import LayerTree

OWN_KEYS = ("unfrozen_parameters", "freeze_mm_modules")
KEYS = (
    *OWN_KEYS,
    "lora_target_linear",
    "lora_target_parameters",
    "lora_target_modules",
)  # the latter with `adapter`, else they are another's
ADAPTER = {
    "r": "lora_r", "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout", "use_rslora": "peft_use_rslora",
    "use_dora": "peft_use_dora", "target_modules": "lora_target_modules", "exclude_modules": "lora_exclude_modules",
    "modules_to_save": "lora_modules_to_save", "layers_to_transform": "peft_layers_to_transform",
    "layers_pattern": "peft_layers_pattern", "rank_pattern": "lora_rank_pattern",
    "alpha_pattern": "lora_alpha_pattern", "target_parameters": "lora_target_parameters",
    "trainable_token_indices": "peft_trainable_token_indices", "layer_replication": "peft_layer_replication",
}  # fmt: skip
ROWS = re.compile(r"^(.+)\[([0-9]*)(?::([0-9]*))?\]$")
MULTIMODAL = {  # axolotl's names of what is no language model
    "vision_tower", "vision_model", "vision_encoder", "embed_vision", "multi_modal_projector", "visual", "audio_tower",
    "audio_model", "embed_audio",
}  # fmt: skip


def read(found: Reading) -> bool:
    """What adapters leave, else what `unfrozen_parameters` lets train, or all; without `freeze_mm_modules`' parts.

    False where it is no configuration of axolotl.
    """
    if not any(key in found.mapping for key in (*OWN_KEYS, "adapter")):
        return False
    patterns = found.mapping.get("unfrozen_parameters")
    if found.mapping.get("adapter"):
        _adapters(found)
        if patterns:  # they are matched after the adapter has renamed everything
            found.leave("unfrozen_parameters", say("beside an adapter its patterns meet other names"))
    elif patterns:
        _unfrozen(found, [patterns] if isinstance(patterns, str) else patterns)
    else:
        found.trains = [True] * len(found.trains)
    if found.mapping.get("freeze_mm_modules") is True:
        found.set(False, lambda name: MULTIMODAL & set(name.split(".")))
    return True


def _adapters(found: Reading) -> None:
    """LoRA under axolotl's keys: `lora_target_linear` adds the names of linear layers but the one that gives words."""
    kind, options = found.mapping["adapter"], peft.options_of(found, ADAPTER)
    if kind not in ("lora", "qlora"):
        options["peft_type"] = str(kind)
    if found.mapping.get("lora_target_linear") is True:
        named = options.get("target_modules") or []
        names = linear_names(found.tree, ("lm_head", "embed_out"))
        options["target_modules"] = [*([named] if isinstance(named, str) else named), *names]
    if found.mapping.get("lora_model_dir"):
        found.leave("lora_model_dir", say("what its adapter's own file says is not known"))
    for key in ("lora_r", "lora_alpha"):
        if not isinstance(found.mapping.get(key), (int, float)):
            found.notes.append(say("It does not say '{name}', which axolotl asks for; 8 was taken.", name=key))
    peft.read(found, {"target_modules": [], "task_type": "CAUSAL_LM", **options}, ADAPTER)


def linear_names(tree: LayerTree, without: tuple[str, ...]) -> list[str]:
    """The last parts of the paths of linear layers, as axolotl and LLaMA-Factory collect them."""
    names = [layer.path.rpartition(".")[2] for layer in tree.layers if "Linear" in layer.type]
    return [name for name in dict.fromkeys(names) if name not in without]


def _unfrozen(found: Reading, patterns: object) -> None:
    """From a name's beginning, dots literal unless a plus follows."""
    found.trains = [False] * len(found.trains)
    if not isinstance(patterns, list) or not all(isinstance(item, str) for item in patterns):
        raise ExportError("'unfrozen_parameters' is no list of names.", "Write one name a line, each after a dash.")
    for number, pattern in enumerate(patterns[:MOST], 1):
        if ROWS.match(pattern):
            why = say("it trains some rows of a tensor, which trains whole or not at all")
            found.unread.append(Unread(number, pattern, why))
            continue
        try:
            regex = compile_bounded(re.sub(r"\.(?!\+)", r"\\.", pattern))
        except RuleError as error:
            found.unread.append(Unread(number, pattern, clause(error.problem)))
            continue
        if not any(regex.match(p.name) for p in found.tree.parameters):
            found.missing.append(pattern)
        found.set(True, regex.match)
