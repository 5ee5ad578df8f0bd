"""axolotl, by the rule of its `freeze.py`."""

from __future__ import annotations

import re

from freezecore.errors import ExportError, RuleError
from freezecore.importing.imported import Unread
from freezecore.importing.libraries import peft
from freezecore.importing.libraries.reading import MOST, Reading
from freezecore.rules.regexes import compile_bounded
from freezecore.sentences import clause, say

OWN_KEYS = ("unfrozen_parameters", "freeze_mm_modules")
KEYS = (*OWN_KEYS, "lora_target_linear", "lora_target_modules")  # the latter with `adapter`, else they are another's
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
        peft.read(found, "lora_modules_to_save")
        if patterns:  # they are matched after the adapter has renamed everything
            found.leave("unfrozen_parameters", say("beside an adapter its patterns meet other names"))
    elif patterns:
        _unfrozen(found, [patterns] if isinstance(patterns, str) else patterns)
    else:
        found.trains = [True] * len(found.trains)
    if found.mapping.get("freeze_mm_modules") is True:
        found.set(False, lambda name: MULTIMODAL & set(name.split(".")))
    return True


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
