"""The kinds of work a worker does: what is asked for, and the function that does it, imported when it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One kind of work.

    Attributes:
        request: `module:Class` of what is asked for; it has `to_json` and `from_json`.
        run: `module:function`, called with the request, `emit` and `should_stop`; its result has `to_json`.
    """

    request: str
    run: str

    @property
    def request_type(self) -> type:
        return loaded(self.request)


KINDS: dict[str, Kind] = {
    "probe": Kind("freezecore.probe:ProbeRequest", "freezecore.runtime.train.run:run_probe"),
    "sweep": Kind("freezecore.search.sweep:SweepRequest", "freezecore.runtime.search.sweep:run"),
    "find": Kind("freezecore.search.find:FindRequest", "freezecore.runtime.search.find:run"),
    "suggest": Kind("freezecore.search.suggest:SuggestRequest", "freezecore.runtime.search.suggest:run"),
}


def kind_of(request: object) -> str:
    """The name under which `KINDS` has this request's class."""
    name = f"{type(request).__module__}:{type(request).__name__}"
    return next(key for key, kind in KINDS.items() if kind.request == name)


def loaded(place: str) -> Callable[..., Any]:
    """What `module:name` names."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
