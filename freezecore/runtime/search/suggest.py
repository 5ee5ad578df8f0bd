"""Makes suggestions: looks at one session's model in each way, prices what comes of it, and keeps to the budget."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from freezecore._estimate.budget import least_frozen
from freezecore._resolve import resolve
from freezecore.errors import FreezeError
from freezecore.probe import Emit, ProbeRequest, ShouldStop, never
from freezecore.rules.grammar import parse_spec
from freezecore.runtime.search.block_scores import block_accuracies, gradient_norms, signal_ratios
from freezecore.runtime.train.price import Priced
from freezecore.runtime.train.run import run as train
from freezecore.runtime.train.session import Session
from freezecore.search.suggest import (
    Suggestion,
    SuggestRequest,
    SuggestResult,
    from_budget,
    from_features,
    from_gradients,
    from_ratios,
)
from freezecore.spec import FreezeSpec


def run(request: SuggestRequest, emit: Emit, should_stop: ShouldStop = never) -> SuggestResult:
    """Look in each way; `emit` hears a `suggestion` event as each is found.

    Raises:
        FreezeError: no such model or data.
    """
    began = time.perf_counter()
    session = Session(request.base, emit)
    priced = Priced(session, request.base)
    found, notes = [], []
    for way in request.by:
        emit({"event": "phase", "phase": way})
        try:
            suggestion = _look(way, session, request.base, should_stop)
        except FreezeError as error:
            notes.append(f"{way.capitalize()}: {error}")
            continue
        if should_stop():
            break
        found.append(_within(suggestion, priced, session, request.budget_bytes))
        emit({"event": "suggestion", **asdict(found[-1])})
    if request.budget_bytes and not should_stop():
        for suggestion in _by_budget(priced, session, request.budget_bytes, notes):
            found.append(suggestion)
            emit({"event": "suggestion", **asdict(suggestion)})
    session.close()
    if priced.why:
        notes.append(priced.why)
    state = "stopped" if should_stop() else "done" if found else "failed"
    message = " ".join(notes) if state == "failed" else ""
    seconds = time.perf_counter() - began
    return SuggestResult(state, tuple(found), tuple(notes), seconds, message, request=request.to_json())


def _look(way: str, session: Session, base: ProbeRequest, should_stop: ShouldStop) -> Suggestion:
    tree = session.tree
    if not tree.blocks:
        raise FreezeError("{source} has no blocks to tell apart.", "Try a sweep over presets.", source=tree.source)
    if way == "features":
        if session.data.raw.target != "class":
            raise FreezeError("The features are judged by classes, and this data has none.", "Try gradients or snr.")
        accuracies = block_accuracies(session, should_stop)
        return from_features(tree, accuracies or [0.0] * len(tree.blocks), len(session.test))
    if way == "gradients":
        # A fresh head's gradients are noise and would drown the data's: train it first.
        train(session, replace(base, spec=FreezeSpec.parse("freeze all; train head")), should_stop=should_stop)
        return from_gradients(tree, gradient_norms(session, base.seed, base.batch_size, should_stop))
    return from_ratios(tree, signal_ratios(session, should_stop))


def _within(suggestion: Suggestion, priced: Priced, session: Session, budget_bytes: int | None) -> Suggestion:
    peak = priced.peak_bytes(resolve(parse_spec(suggestion.rules), session.tree))
    fits = None if peak is None or budget_bytes is None else peak <= budget_bytes
    return replace(suggestion, peak_bytes=peak, fits=fits)


def _by_budget(priced: Priced, session: Session, budget_bytes: int, notes: list[str]) -> list[Suggestion]:
    if priced.trace is None:
        return []
    fit = least_frozen(priced.trace, session.tree, budget_bytes)
    if fit.rules is None or fit.peak_bytes is None:
        notes.append(fit.problem)
        return []
    return [from_budget(fit.rules, budget_bytes, fit.peak_bytes)]
