"""Ticks are priced by a process beside this one, which answers others meanwhile; what it finds is kept as one's own."""

from __future__ import annotations

import threading
from dataclasses import replace

from freezecore._trace import Trace
from freezecore.cache.memory import Recent
from freezecore.serving.pricing import client
from freezecore.serving.pricing.wire import KnownStep

from . import backend
from .findings import told_findings
from .pricing import MOST_TRACES, Reference, is_priced, known_step, told_cost
from .selection import ModelSelection, known_rules, select, ticks_of, told_rules


def price_beside(selection: ModelSelection, trains: tuple[bool, ...]) -> None:
    """Have it worked out what these ticks come to, so that it is known when the page asks; nothing where that takes
    longer, or the process is not told of the step yet.

    Raises:
        FreezeError: as `select`.
    """
    pricing, step, ticks = client.shared(), known_step(selection), ticks_of(selection, trains)
    if step is None:
        return
    if not pricing.knows(step):
        _tell(selection, step)
        return
    rules = known_rules(ticks)
    if rules is not None and is_priced(select(replace(selection.link, rules=rules), selection.tree)):
        return
    found = pricing.ask(step, ticks, selection.link.batch, selection.card)
    if found is None:
        return
    told_rules(ticks, found.rules)
    if found.cost:
        chosen = select(replace(selection.link, rules=found.rules), selection.tree)
        told_cost(chosen, step, found.cost, found.fit)
        told_findings(chosen, step[1], found.findings)


def _tell(selection: ModelSelection, step: tuple[Trace, Reference]) -> None:
    """Make the step known to the process, in the background and once at a time."""
    key = tuple(map(id, step))
    with _asking:
        telling = _futures.read(key)
        if telling is None or telling.done():
            _futures.write(key, backend.shared().submit(_told, selection, step))


def _told(selection: ModelSelection, step: tuple[Trace, Reference]) -> None:
    trace, reference = step
    known = KnownStep(selection.tree, trace, selection.source, selection.workload, dict(reference.prices))
    client.shared().tell(step, known)


_asking = threading.Lock()
_futures = Recent(MOST_TRACES)
