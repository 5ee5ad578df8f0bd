"""The kinds of job: what is asked for, and the function that a worker calls, imported when it is needed."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple


class JobType(NamedTuple):
    """One kind of job.

    Attributes:
        request: `module:Class` of what is asked for; it has `to_json` and `from_json`.
        function: `module:name`, called with the request, `emit` and `should_stop`; its result has `to_json`.
    """

    request: str
    function: str


JOB_TYPES = {
    "probe": JobType("freezecore.probe:ProbeRequest", "freezecore.runtime.train.run:run_probe"),
    "sweep": JobType("freezecore.search.sweep:SweepRequest", "freezecore.runtime.search.sweep:run"),
    "find": JobType("freezecore.search.find:FindRequest", "freezecore.runtime.search.find:run"),
    "suggest": JobType("freezecore.search.suggest:SuggestRequest", "freezecore.runtime.search.suggest:run"),
}


def kind_of(request: object) -> str:
    """The name under which `JOB_TYPES` has this request's class."""
    name = f"{type(request).__module__}:{type(request).__name__}"
    return next(kind for kind, job_type in JOB_TYPES.items() if job_type.request == name)


def imported(place: str) -> Any:
    """What `module:name` names."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
