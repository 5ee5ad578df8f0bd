"""Stored traces, found again without torch: by source, what the step depends on, and library versions."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

from freezecore._trace import FORMAT, Trace
from freezecore.cache import store
from freezecore.errors import TraceError
from freezecore.source import ModelSource
from freezecore.workload import Workload

FOLDER = "traces"
LIBRARIES = ("torch", "timm", "transformers")
REVISION = 5  # raise it when the same step would be followed differently


def stored(source: ModelSource, workload: Workload) -> Trace | None:
    """The trace of this source under this workload, or None; a file that cannot be read is forgotten."""
    key = key_of(source, workload)
    content = store.read(FOLDER, key)
    if content is None:
        return None
    try:
        trace = Trace.from_bytes(content).under(workload)
    except TraceError:
        store.forget(FOLDER, key)
        return None
    fits = len(trace.batch_sizes) != 1 or trace.batch_sizes[0] == workload.batch_size
    return trace if fits else None


def keep(source: ModelSource, trace: Trace) -> None:
    """Store a trace for the next time, in any process."""
    store.write(FOLDER, key_of(source, trace.workload), trace.to_bytes())


def key_of(source: ModelSource, workload: Workload) -> str:
    """Everything that a trace depends on: neither the batch size nor what only the optimizer needs."""
    step = [workload.image_size, workload.sequence_length, workload.precision, workload.checkpointing, workload.device]
    named = [str(source), source.task, source.num_labels, stamp(source.name)]
    return json.dumps([FORMAT, REVISION, *named, step, versions()])


def stamp(name: str) -> list[int]:
    """Size and time of a file (or of the config in a folder) that a source names, so that an edited one is traced
    again; empty for all others."""
    try:
        path = Path(name)
        found = (path / "config.json" if path.is_dir() else path).stat()
    except (OSError, ValueError):
        return []
    return [found.st_size, found.st_mtime_ns]


def versions() -> dict[str, str]:
    """Versions of the libraries that a trace depends on."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
