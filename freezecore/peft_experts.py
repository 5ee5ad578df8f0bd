"""What PEFT makes of the names of experts that newer transformers keep in one tensor, and which tensors it joins.

Its `convert_peft_config_for_transformers`, in plain Python; tests hold it against PEFT itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from freezecore import peft_rules
from freezecore.errors import RuleError
from freezecore.sentences import say

EXPERTS = {  # by family, what PEFT makes of the names that experts had before transformers put them into one tensor
    "mixtral": {"gate": "gate.weight", "w1": "gate_up_proj", "w3": "gate_up_proj", "w2": "down_proj"},
    "qwen2_moe": {
        "gate": "gate.weight", "gate_proj": "gate_up_proj", "up_proj": "gate_up_proj", "down_proj": "down_proj"
    },
}  # fmt: skip
FAMILY = {
    re.sub(r"\W|_", "", kind.lower()): family
    for family, kinds in {
        "mixtral": "minimax minimax_m2 mixtral",
        "qwen2_moe": "afmoe deepseek_v2 deepseek_v3 deepseek_v32 dots1 ernie4_5_moe glm4_moe glm4_moe_lite glm_moe_dsa "
        "glm4v_moe longcat_flash solar_open mellum qwen3_moe beam qwen3_omni_moe qwen3_omni_moe_thinker "
        "qwen3_omni_moe_text qwen3_next "
        "hunyuan_v1_moe flex_olmo olmoe exaone_moe cohere2_moe",
    }.items()
    for kind in kinds.split()
}


def converted(
    options: Mapping,
    modules: Mapping[str, Sequence[str]],
    parameters: Sequence[str],
    head: Sequence[str] = (),
    compiled: Callable[[str], re.Pattern] = re.compile,
) -> Mapping:
    """The options as PEFT changes them for models whose experts stand in one tensor: old names become tensors, and an
    expression becomes the ends of the paths that it means. Of other models they stay.

    Raises:
        RuleError: two old names that are one tensor now, of which only one is named.
    """
    kind = peft_rules.CLASS_END.sub("", next(iter(modules.get("", ())), "")).lower()
    renamed, targets = EXPERTS.get(FAMILY.get(kind, ""), {}), options.get("target_modules")
    if not renamed or not targets:
        return options
    ends = _ends(options, modules, parameters, renamed, head, compiled) if isinstance(targets, str) else list(targets)
    old = {end: end.rpartition(".")[2] for end in ends if end.rpartition(".")[2] in renamed}
    tensors = {*(options.get("target_parameters") or ()), *(renamed[name] for name in old.values())}
    scales: dict[str, dict] = {name: dict(options.get(name) or {}) for name in ("rank_pattern", "alpha_pattern")}
    fused = [name for name, tensor in renamed.items() if list(renamed.values()).count(tensor) > 1]
    named = [name for name in fused if name in old.values()]
    if named and len(named) < len(fused):
        raise RuleError(
            "PEFT joins '{name}' here only together with '{other}': both are one tensor.", "Name both.",
            name=named[0], other=next(name for name in fused if name not in named),
        )  # fmt: skip
    for name in named[:1]:  # of two in one, rank and alpha are twice as large
        for pattern, option, usual in (
            ("rank_pattern", "r", peft_rules.R),
            ("alpha_pattern", "lora_alpha", peft_rules.ALPHA),
        ):
            scales[pattern][rf".*\.{renamed[name]}"] = options.get(option, usual) * len(fused)
    kept = [end for end in ends if end not in old]
    return {**options, **scales, "target_modules": kept, "target_parameters": sorted(tensors)}


def _ends(
    options: Mapping,
    modules: Mapping[str, Sequence[str]],
    parameters: Sequence[str],
    renamed: Mapping[str, str],
    head: Sequence[str],
    compiled: Callable[[str], re.Pattern],
) -> list[str]:
    """The ends of the paths that an expression means, old names of experts among them."""
    if options["target_modules"].lower() == "all-linear":
        found = peft_rules.adapted(options, modules, head, compiled)
        return list(dict.fromkeys([*(path.rpartition(".")[2] for path in found), *renamed]))
    means = compiled(options["target_modules"]).fullmatch
    ends = [path.rpartition(".")[2] for path in (*modules, *parameters) if path and means(path)]
    for name in parameters:
        within, _, tensor = name.rpartition(".")
        ends += [old for old, new in renamed.items() if new == tensor and means(f"{within}.{old}")]
    return list(dict.fromkeys(ends))


def tensors(options: Mapping, parameters: Sequence[str]) -> list[str]:
    """Names of the parameters that `target_parameters` means."""
    ends = tuple(f".{name}" for name in options.get("target_parameters") or ())
    return [name for name in parameters if f".{name}".endswith(ends)] if ends else []


def refused_tensor(name: str, shape: Sequence[int], options: Mapping) -> str | None:
    """Why a parameter that an adapter joins gets none here; None where it gets one."""
    if len(shape) != 3:
        return say("an adapter on the tensor '{name}', which is not of three dimensions, is not followed", name=name)
    if options.get("lora_dropout"):
        return say("PEFT has no dropout on the tensor '{name}' and refuses it", name=name)
    return None
