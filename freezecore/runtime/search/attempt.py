"""One run of many: what keeps it from starting is a result too, so that the others go on."""

from __future__ import annotations

import time
from dataclasses import replace

from freezecore._resolve import resolve_phases
from freezecore.errors import FreezeError
from freezecore.probe import Emit, ProbeRequest, ProbeResult, ShouldStop, never, silent
from freezecore.rates import learning_rates
from freezecore.runtime.train.run import run
from freezecore.runtime.train.session import Session
from freezecore.search.measured import Candidate
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


class Sessions:
    """Sessions of one request's model, as it was asked for and with other adapters; of these the last one is kept."""

    def __init__(self, base: ProbeRequest, emit: Emit = silent) -> None:
        self.base = base
        self.plain = Session(base, emit, scores_training=False)
        self._adapted: tuple[str, Session] | None = None

    def of(self, adapter: str | None) -> Session:
        """The session of the model with this adapter; None means as it was asked for.

        Raises:
            FreezeError: the adapter does not fit the model.
        """
        if adapter is None or adapter == self.base.source.adapter:
            return self.plain
        if self._adapted is None or self._adapted[0] != adapter:
            self._forget()
            source = self.base.source.with_(adapter=adapter)
            self._adapted = adapter, Session(replace(self.base, source=source), scores_training=False)
        return self._adapted[1]

    def attempt(
        self, candidate: Candidate, seed: int, emit: Emit = silent, should_stop: ShouldStop = never, **more
    ) -> ProbeResult:
        """One run of a candidate, with `more` fields of its request; what keeps it from starting is a result too."""
        try:
            session = self.of(candidate.adapter)
            request = request_for(session, self.base, candidate, seed, **more)
        except FreezeError as error:
            asked = self.base.to_json()
            return ProbeResult("failed", self.base.device, message=error.problem, hint=error.hint, request=asked)
        return attempted(session, request, emit, should_stop)

    def _forget(self) -> None:
        if self._adapted:
            self._adapted[1].close()
        self._adapted = None

    def close(self) -> None:
        """Give kept prefixes back."""
        self._forget()
        self.plain.close()


def request_for(session: Session, base: ProbeRequest, candidate: Candidate, seed: int, **more) -> ProbeRequest:
    """The request of a run: its base with the candidate's adapter, rules and learning rates, and another seed."""
    spec = FreezeSpec.parse(candidate.rules)
    request = replace(base, source=session.asked_source, spec=spec, seed=seed, **more)
    if candidate.factor == 1.0:
        return request
    last = list(resolve_phases(spec, session.tree).values())[-1]
    asked = {"body": base.learning_rate, "head": base.head_learning_rate}
    rates = learning_rates(last, session.rates_kind, base.optimizer, **asked)
    factor = candidate.factor
    return replace(request, learning_rate=rates.body * factor, head_learning_rate=rates.head * factor)
