"""The verbs of the flow, as the page, the command line, notebooks and tests call them.

    ModelSource -> LayerTree -> FreezeSpec -> Mask -> Estimate -> Probe -> Export

A verb that needs a real module imports torch when it is called, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from freezecore import model_file
from freezecore._resolve import resolve
from freezecore._trace import Trace
from freezecore.cache import traces
from freezecore.cache.trees import kept_tree
from freezecore.errors import require
from freezecore.mask import Mask
from freezecore.probe import ProbeRequest, ProbeResult
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from freezecore.workload import Workload

if TYPE_CHECKING:
    from pathlib import Path

    from torch.nn import Module

    from freezecore.comparison import Comparison
    from freezecore.runtime.own.unfreezing import Unfreezing
    from freezecore.search.find import FindResult
    from freezecore.search.suggest import SuggestResult
    from freezecore.search.sweep import SweepResult


def read_tree(model: ModelSource | str | Module, *, allow_python: bool = True) -> LayerTree:
    """The layer tree of a source (shapes only: no weights, no download) or of a model object.

    `allow_python` lets a `py:` source run its function.

    Raises:
        SourceError: the source cannot be built.
    """
    if isinstance(model, str):
        model = ModelSource.parse(model)
    if isinstance(model, ModelSource):
        if model.scheme == "file":
            return model_file.read(model.name).tree
        if (kept := kept_tree(model)) is not None:
            return kept
        from freezecore.runtime.tree.read import read_source

        return read_source(model, allow_python=allow_python)
    from freezecore.runtime.own.wrappers import unwrapped
    from freezecore.runtime.tree.read import read_module

    return read_module(unwrapped(model))


def trace(model: ModelSource | str | Module, workload: Workload | None = None, *, batch: object = None) -> Trace:
    """One training step followed without weights or arithmetic; `estimate` then prices any mask from it.

    Args:
        workload: batch size, sizes, optimizer, precision; None takes a batch of 32 in full precision under AdamW.
        batch: for a module, an example batch of your own: a tensor, a tuple of arguments, or a dictionary of
            keywords, whose first dimension is the batch size.

    Raises:
        TraceError: the step cannot be followed.
        WorkloadError: a size that the model refuses.
        FreezeError: an example batch where the workload belongs.
    """
    if workload is not None:
        require(workload, Workload, "Give an example batch as batch=…: fc.trace(model, batch=x).")
    if batch is not None and not isinstance(model, ModelSource | str):
        from freezecore.runtime.own.wrappers import unwrapped
        from freezecore.runtime.trace import trace_batch

        return trace_batch(unwrapped(model), batch, workload)
    workload = workload or Workload()
    if isinstance(model, str):
        model = ModelSource.parse(model)
    if isinstance(model, ModelSource):
        if model.scheme == "file":
            return model_file.read(model.name).required_trace().under(workload)
        if (known := traces.stored(model, workload)) is not None:
            return known
        from freezecore.runtime.trace import trace_source

        return trace_source(model, workload)
    from freezecore.runtime.trace import trace_module

    return trace_module(model, workload)


def run_probe(
    request: ProbeRequest,
    emit: Callable[[dict], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ProbeResult:
    """A short fine-tuning run in this process; `emit` hears of each step as it ends."""
    from freezecore.runtime.train.probe import run

    return run(request, emit, should_stop)


def run_sweep(source: ModelSource, **options: object) -> SweepResult:
    """Many selections side by side: `over` (`depth`, `presets`), `specs`, `seeds`, `ray`, `emit`, `should_stop`, and
    fields of ProbeRequest (`data`, `steps`, …).

    Raises:
        FreezeError: it could not start. A run that fails is an entry that says so.
    """
    from freezecore.runtime.search.sweep import run_sweep as live_sweep

    return live_sweep(source, **options)


def run_find(source: ModelSource, *, minutes: float, **options: object) -> FindResult:
    """The best selection within so many minutes: `budget_bytes`, `emit`, `should_stop`, and fields of ProbeRequest.

    Raises:
        FreezeError: it could not start, or nothing fits in the memory budget.
    """
    from freezecore.runtime.search.find import run_find as live_find

    return live_find(source, minutes=minutes, **options)


def run_suggest(source: ModelSource, **options: object) -> SuggestResult:
    """Selections that a quick look recommends: `by` (`features`, `gradients`, `snr`), `budget_bytes`, `emit`,
    `should_stop`, and fields of ProbeRequest.

    Raises:
        FreezeError: no such model or data.
    """
    from freezecore.runtime.search.suggest import run_suggest as live_suggest

    return live_suggest(source, **options)


def apply(model: Module, rules: FreezeSpec | str) -> Mask:
    """Freeze and train a model's parameters by rules; held modules stay in eval mode through every `train()`.

    Call it after the head was replaced, and before the optimizer is built and DistributedDataParallel wraps the model.
    Names are those inside torch.compile and DataParallel.

    Raises:
        FreezeError: the model is sharded, or wrapped so that it can no longer be frozen.
        RuleError: a rule cannot be read or hits nothing; the model is unchanged.
    """
    from freezecore.runtime.own.hold import hold
    from freezecore.runtime.own.wrappers import unwrapped

    model = unwrapped(model, to_freeze=True)
    spec = FreezeSpec.parse(rules) if isinstance(rules, str) else rules
    mask = resolve(spec, read_tree(model))
    mask.apply_to(model)
    hold(model, mask)
    return mask


def proof(model: Module, optimizer: object | None = None) -> AbstractContextManager:
    """`with fc.proof(model): train()` raises, by name, if anything frozen moved: parameters and held buffers."""
    from freezecore.runtime.own.proof import proof as live_proof

    return live_proof(model, optimizer)


def ProofCallback() -> object:
    """The same proof inside a Hugging Face or Lightning trainer: `Trainer(callbacks=[fc.ProofCallback()])`.

    Import the trainer's library first, and give it last, after callbacks that freeze.
    """
    from freezecore.runtime.own.callbacks import proof_callback

    return proof_callback()


def trainable_parameters(model: Module) -> list:
    """The parameters that train, each once: what an optimizer is given."""
    from freezecore.runtime.own.unfreezing import trainable_parameters as live_parameters

    return live_parameters(model)


def unfreezing(model: Module, rules: FreezeSpec | str) -> Unfreezing:
    """Gradual unfreezing in a plain loop: call the schedule's `begin_epoch(epoch, optimizer)` as each epoch begins.

    Raises:
        RuleError: a rule of any phase cannot be read or hits nothing; the model is unchanged.
    """
    from freezecore.runtime.own.unfreezing import Unfreezing

    return Unfreezing(model, rules)


def compare(
    make_model: Callable[[], Module], specs: Sequence[str], batches: Iterable, loss: Callable, **options: object
) -> Comparison:
    """Train a fresh model of your own under each selection, and compare them on the same held-out samples.

    `options` are those of `freezecore.runtime.search.compare.compare`: `held_out`, `score`, `steps`, `seeds`,
    `learning_rate`, `factors`.
    """
    from freezecore.runtime.search.compare import compare as live_compare

    return live_compare(make_model, specs, batches, loss, **options)


def save(model: Module, batch: object, path: str | Path) -> None:
    """Write a model object's tree and the trace of a training step on `batch`, for the page: no code, no weights."""
    from freezecore.runtime.own.wrappers import unwrapped
    from freezecore.runtime.trace import trace_batch
    from freezecore.runtime.tree.read import read_module

    model = unwrapped(model)
    model_file.write(path, read_module(model), trace_batch(model, batch))
