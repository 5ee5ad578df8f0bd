"""One run of many: what keeps it from starting is a result too, so that the others go on."""

from __future__ import annotations

import time
from dataclasses import replace

from freezecore.errors import FreezeError
from freezecore.probe import Emit, ProbeRequest, ProbeResult, ShouldStop, never, silent
from freezecore.runtime.train.run import run
from freezecore.runtime.train.session import Session
from freezecore.spec import FreezeSpec

Task = tuple[int, int]  # a run of a sweep: position of the candidate, seed


def attempted(
    session: Session, request: ProbeRequest, emit: Emit = silent, should_stop: ShouldStop = never
) -> ProbeResult:
    """What `freezecore.runtime.train.run.run` gives, or the error that it could not start with as a result."""
    began = time.perf_counter()
    try:
        result = run(session, request, emit, should_stop)
    except FreezeError as error:
        return ProbeResult("failed", request.device, message=error.problem, hint=error.hint, request=request.to_json())
    return replace(result, seconds=time.perf_counter() - began)


def request_for(base: ProbeRequest, rules: str, seed: int) -> ProbeRequest:
    """The request of a sweep's run: its base under other rules and another seed."""
    return replace(base, spec=FreezeSpec.parse(rules), seed=seed)
