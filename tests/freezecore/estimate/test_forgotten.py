"""What is made of a trace goes with it, and many threads may ask for many batch sizes."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import freezecore as fc
from freezecore._estimate import replay
from freezecore._estimate.trace_at_batch import MOST_BATCH_SIZES, trace_at
from freezecore.mask import Mask

TREE = fc.read_tree("timm:resnet18")
MASK = fc.resolve(fc.FreezeSpec.parse("freeze all; train head"), TREE)


def test_traces_that_nobody_holds_are_freed_with_all_that_was_made_of_them():
    first, held = fc.trace("timm:resnet18"), []
    for _ in range(60):
        trace = replace(first)
        for batch in (1, 2, 32):
            assert fc.estimate(trace, MASK, batch_size=batch).known
        held += [weakref.ref(trace), weakref.ref(trace_at(trace, 2))]
    del trace
    gc.collect()
    assert not any(reference() for reference in held)


def test_more_batch_sizes_than_are_remembered_asked_by_threads_at_once_are_answered():
    trace = fc.trace("timm:resnet18")
    sizes = list(range(1, 3 * MOST_BATCH_SIZES))
    alone = {size: fc.estimate(replace(trace), MASK, batch_size=size).peak_bytes for size in sizes}
    with ThreadPoolExecutor(8) as threads:
        asked = list(threads.map(lambda size: (size, fc.estimate(trace, MASK, batch_size=size).peak_bytes), sizes * 20))
    assert all(alone[size] == peak for size, peak in asked)


def test_ticks_without_end_keep_no_more_than_a_number_of_changes(monkeypatch):
    monkeypatch.setattr(replay, "MOST_CHANGES", 60)
    tree = fc.read_tree("config:bert")
    pricer = fc.pricer("config:bert")
    for number in range(80):
        trains = tuple(bool((number * 2654435761) >> (i % 31) & 1) for i in range(len(tree.parameters)))
        pricer.estimate(Mask(tree, trains), batch_size=8)
    traced = trace_at(pricer.trace, 8)
    assert len(traced.forwards) + len(traced.backwards) < 60 + 2 * len(tree.blocks)
