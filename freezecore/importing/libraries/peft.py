"""PEFT, by the rule of its `_set_trainable`: what trains beside adapters."""

from __future__ import annotations

from freezecore.importing.execution.standins import peft_rules
from freezecore.importing.libraries.reading import Reading
from freezecore.sentences import say

KEYS = ("modules_to_save", "lora_modules_to_save", "peft_type")


def read(found: Reading, key: str = "") -> bool:
    """What PEFT trains beside its adapters: modules whose path ends so, a task's head, and all biases where said."""
    mapping = found.mapping
    key = key or next(
        (each for each in ("modules_to_save", "lora_modules_to_save") if each in mapping), "modules_to_save"
    )
    found.trains = [False] * len(found.trains)
    modules = found.texts(key)
    for path in found.tree.below:
        if path and peft_rules.saved(path, modules, mapping.get("task_type")):
            for i in found.tree.under(path):
                found.trains[i] = True
    found.missing += [name for name in modules if not any(path.endswith(name) for path in found.tree.below)]
    if mapping.get("bias") == "all":
        found.set(True, lambda name: "bias" in name)
    elif mapping.get("bias") == "lora_only":
        found.leave("bias", say("which biases its adapters have is not followed"))
    if not any(found.trains) and not modules:
        found.notes.append(say("Adapters train beside the model, of which nothing trains."))
    return True
