"""verl and EasyR1, whose worker trains everything but the vision tower where its configuration says so."""

from __future__ import annotations

from collections.abc import Iterator

from freezecore.importing.libraries.reading import Reading
from freezecore.sentences import say

KEYS = ("actor_rollout_ref", "worker")
SWITCH = "freeze_vision_tower"
TOWERS = ("model.visual", "visual")  # where `get_vl_model_vision_tower` looks
UNFOLLOWED = ("lora_rank", "freeze_module_pattern")


def read(found: Reading) -> bool:
    """Everything, without the vision tower that verl finds by its name; a LLaVA has none of that name."""
    settings = [pair for key in KEYS for pair in _settings(found.mapping.get(key))]
    if not any(name in (SWITCH, *UNFOLLOWED) for name, _ in settings):
        return False
    found.trains = [True] * len(found.trains)
    if any(name == SWITCH and value is True for name, value in settings):
        tower = next((path for path in TOWERS if found.tree.under(path)), None)
        if tower is None:
            found.notes.append(
                say("verl looks for a module called 'visual', which is not in this model: all of it trains.")
            )
        else:
            found.set(False, lambda name: f"{name}.".startswith(f"{tower}."))
    for name, value in settings:
        if name in UNFOLLOWED and value:
            found.leave(name, say("which parts this freezes or adapts is not followed"))
    return True


def _settings(value: object, depth: int = 4) -> Iterator[tuple[str, object]]:
    """Every key of these mappings with what it is set to."""
    for key, inner in value.items() if isinstance(value, dict) and depth else ():
        yield str(key), inner
        yield from _settings(inner, depth - 1)
