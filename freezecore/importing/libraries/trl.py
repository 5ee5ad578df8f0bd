"""TRL's scripts, by the fields of their `ModelConfig` and its `get_peft_config`."""

from __future__ import annotations

from freezecore.importing.libraries import peft
from freezecore.importing.libraries.reading import Reading

KEYS = ("use_peft",)
ADAPTER = {
    "r": "lora_r", "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout", "target_modules": "lora_target_modules",
    "target_parameters": "lora_target_parameters", "modules_to_save": "lora_modules_to_save",
    "task_type": "lora_task_type", "use_rslora": "use_rslora", "use_dora": "use_dora",
}  # fmt: skip
USUAL = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "task_type": "CAUSAL_LM"}


def read(found: Reading) -> bool:
    """What is saved beside adapters where `use_peft` asks for them, else everything."""
    if found.mapping.get("use_peft") is True:
        options = {**USUAL, **peft.options_of(found, ADAPTER)}
        if isinstance(targets := options.get("target_modules"), list) and len(targets) == 1:
            options["target_modules"] = targets[0]  # of one name TRL makes an expression over whole paths
        return peft.read(found, options, ADAPTER)
    found.trains = [True] * len(found.trains)
    return True
