"""Stored traces, found again without torch: by source, what the step depends on, and library versions."""

from __future__ import annotations

import json

from freezecore._estimate.quantized import quantized_names, quantized_trace
from freezecore._trace import FORMAT, Trace
from freezecore.cache import store, trees
from freezecore.cache.keys import file_stamp, versions_of
from freezecore.source import ModelSource
from freezecore.workload import Workload

FOLDER = "traces"
REVISION = 25  # raise it when the same step would be followed differently


def stored(source: ModelSource, workload: Workload) -> Trace | None:
    """The trace of this source under this workload; None where there is none."""
    if source.quantize:
        plain = source.with_(quantize=None)
        tree, known = trees.stored(plain), stored(plain, workload)
        return quantized_trace(known, quantized_names(tree), source.quantize) if tree and known else None
    trace = store.load(FOLDER, key_of(source, workload), Trace.from_bytes)
    if trace is None:
        return None
    trace = trace.under(workload)
    fits = len(trace.batch_sizes) != 1 or trace.batch_sizes[0] == workload.batch_size
    return trace if fits else None


def keep(source: ModelSource, trace: Trace) -> None:
    """Store a trace for the next time, in any process."""
    store.write(FOLDER, key_of(source, trace.workload), trace.to_bytes())


def key_of(source: ModelSource, workload: Workload) -> str:
    """Everything that a trace depends on: neither the batch size nor what only the optimizer needs."""
    step = [workload.image_size, workload.sequence_length, workload.precision, workload.checkpointing, workload.device]
    card = workload.compute_capability if workload.device == "cuda" else None
    named = [str(source), source.options, file_stamp(source.name)]
    return json.dumps([FORMAT, REVISION, *named, step, card, workload.trainer, versions_of(source)])
