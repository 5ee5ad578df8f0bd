"""One probe: a short, real fine-tuning run under a selection, told step by step, with the proof at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from freezecore._resolve import resolve
from freezecore.probe import ProbeRequest, ProbeResult
from freezecore.runtime.search.prices import Priced
from freezecore.runtime.train.session import Session, never


def run(request: ProbeRequest, emit: Callable[[dict], None], should_stop: Callable[[], bool] = never) -> ProbeResult:
    """Train as asked.

    `emit` hears, as it happens: `phase` (what is being done, and how much of it), `start` (sizes, device, rates),
    `eval` (accuracy so far), `step` (loss, time), `proof`. `should_stop` is asked before each step and each part of
    an evaluation or a capture. `seconds` is the run's own time; the estimate beside it is made afterwards.

    Raises:
        FreezeError: it could not start: no such model, data or rule, or nothing trains. What goes wrong later is a
            state of the result, with what was measured until then.
    """
    started = time.perf_counter()
    session = Session(request, emit)
    try:
        result = replace(session.run(request, emit, should_stop), seconds=time.perf_counter() - started)
        if result.state != "done":
            return result
        peak = Priced(session, request).peak_bytes(resolve(request.spec, session.tree))
        return replace(result, estimated_peak_bytes=peak)
    finally:
        session.close()
