"""The verbs of the flow, as the page, the command line, notebooks and tests call them.

    ModelSource -> LayerTree -> FreezeSpec -> Mask -> Estimate -> Probe -> Export

A verb that needs a real module imports torch when it is called, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from freezecore import model_file
from freezecore._estimate.pricer import Pricer
from freezecore._trace import Missing, Trace
from freezecore.cache import traces, trees
from freezecore.errors import require
from freezecore.mask import Mask
from freezecore.probe import Emit, ProbeRequest, ProbeResult, ShouldStop, never, silent
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from freezecore.workload import Workload

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer

    from freezecore.comparison import Comparison
    from freezecore.probe import ProbeOptions
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
        if (kept := trees.stored(model)) is not None:
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
        require(workload, Workload, "Give an example batch by name: batch=x.")
    if isinstance(model, str):
        model = ModelSource.parse(model)
    if not isinstance(model, ModelSource):
        return pricer(model, workload, batch=batch).trace
    workload = workload or Workload()
    if model.scheme == "file":
        return model_file.read(model.name).required_trace().under(workload)
    if (known := traces.stored(model, workload)) is not None:
        return known
    from freezecore.runtime.trace import trace_source

    return trace_source(model, workload)


def pricer(model: ModelSource | str | Module, workload: Workload | None = None, *, batch: object = None) -> Pricer:
    """What prices any mask of a model: `fc.pricer(model).estimate(mask)`.

    Where `fc.estimate(fc.trace(model), mask)` may find that the trace was never followed under such a mask, this
    follows what is missing. Arguments and errors are those of `trace`.
    """
    if workload is not None:
        require(workload, Workload, "Give an example batch by name: batch=x.")
    source = ModelSource.parse(model) if isinstance(model, str) else model
    if isinstance(source, ModelSource):

        def fill(known: Trace, missing: tuple[Missing, ...]) -> Trace:
            from freezecore.runtime.trace import fill

            return fill(known, source, missing)

        return Pricer(trace(source, workload), fill)
    from freezecore.runtime.own.wrappers import unwrapped
    from freezecore.runtime.trace import module_pricer

    return module_pricer(unwrapped(source), workload, batch=batch)


def run_probe(request: ProbeRequest, emit: Emit = silent, should_stop: ShouldStop = never) -> ProbeResult:
    """A short fine-tuning run in this process; `emit` hears of each step as it ends."""
    from freezecore.runtime.train.run import run_probe as run

    return run(request, emit, should_stop)


def run_sweep(
    source: ModelSource,
    *,
    over: Sequence[str] = ("depth", "presets"),
    specs: Sequence[str] = (),
    seeds: int = 1,
    ray: str | None = None,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    **probe: Unpack[ProbeOptions],
) -> SweepResult:
    """Many selections side by side.

    Args:
        over: families of selections: `depth` (0, 1, … all blocks frozen from the input side), `presets`.
        specs: further selections, as rules.
        seeds: runs of each selection.
        ray: address of a Ray cluster, or `auto`; None stays on this machine.
        emit: hears a `run` event as each run ends, and the steps of each in between (see `freezecore.search`).
        probe: fields of ProbeRequest, such as `data` and `steps`.

    Raises:
        FreezeError: it could not start. A run that fails is an entry that says so.
    """
    from freezecore.runtime.search.sweep import run
    from freezecore.search.sweep import SweepRequest

    base = ProbeRequest(source, FreezeSpec(), **probe)
    return run(SweepRequest(base, tuple(over), tuple(specs), seeds, ray), emit, should_stop)


def run_find(
    source: ModelSource,
    *,
    minutes: float,
    budget_bytes: int | None = None,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    **probe: Unpack[ProbeOptions],
) -> FindResult:
    """The best selection within so many minutes.

    Args:
        budget_bytes: peak training memory that a selection may need by the estimate; None for no limit.
        emit: hears each run begin and end (see `freezecore.search`).
        probe: fields of ProbeRequest; `steps` are those of the final runs.

    Raises:
        FreezeError: it could not start, or nothing fits in the memory budget.
    """
    from freezecore.runtime.search.find import run
    from freezecore.search.find import FindRequest

    base = ProbeRequest(source, FreezeSpec(), **probe)
    return run(FindRequest(base, minutes, budget_bytes), emit, should_stop)


def run_suggest(
    source: ModelSource,
    *,
    by: Sequence[str] = ("features", "gradients", "snr"),
    budget_bytes: int | None = None,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    **probe: Unpack[ProbeOptions],
) -> SuggestResult:
    """Selections that a quick look recommends.

    Args:
        by: ways to look (see `freezecore.search.suggest`).
        budget_bytes: peak training memory that a suggestion may need by the estimate; None for no limit.
        emit: hears a `suggestion` event as each is found.
        probe: fields of ProbeRequest, such as `data` and `batch_size`.

    Raises:
        FreezeError: no such model or data.
    """
    from freezecore.runtime.search.suggest import run
    from freezecore.search.suggest import SuggestRequest

    base = ProbeRequest(source, FreezeSpec(), **probe)
    return run(SuggestRequest(base, tuple(by), budget_bytes), emit, should_stop)


def apply(model: Module, rules: FreezeSpec | str, *, reset: bool = False) -> Mask:
    """Freeze and train a model's parameters by rules; held modules stay in eval mode through every `train()`.

    Call it after the head was replaced, and before the optimizer is built and DistributedDataParallel wraps the model.
    Names are those inside torch.compile and DataParallel. What no rule hits stays as it is; the mask's
    `newly_trainable` and `newly_frozen` name what this call changed.

    Args:
        reset: forget what was frozen or trained by hand or by an earlier call, and start from the model's author.

    Raises:
        FreezeError: it is no model, or the model is sharded, or wrapped so that it can no longer be frozen.
        RuleError: a rule cannot be read or hits nothing; the model is unchanged.
    """
    from freezecore.runtime.own.apply import apply as run

    return run(model, rules, reset=reset)


def frozen(model: Module, rules: FreezeSpec | str) -> AbstractContextManager[Mask]:
    """`with fc.frozen(model, rules): …` applies rules for the block; afterwards all is as it was before.

    Raises:
        FreezeError, RuleError: as `apply`.
    """
    from freezecore.runtime.own.apply import frozen as run

    return run(model, rules)


def release(model: Module) -> None:
    """Let `model.train()` reach every module again; what trains is left as it is."""
    from freezecore.runtime.own.hold import release as run
    from freezecore.runtime.own.wrappers import unwrapped

    run(unwrapped(model))


def parameter_groups(
    model: Module, lr: float | None = None, *, head_lr: float | None = None, layer_decay: float | None = None
) -> list[dict[str, Any]]:
    """What trains, as parameter groups of an optimizer, each with its learning rate.

    Args:
        lr: of what is pretrained; None takes the rates of a probe of this selection.
        head_lr: of the head; None takes `lr`, or the probe's where that is None too.
        layer_decay: factor on the rate for each block between a parameter and the head, above 0 and at most 1.

    Raises:
        FreezeError: it is no model, or a number is out of range.
    """
    from freezecore.runtime.own.apply import parameter_groups as run

    return run(model, lr, head_lr=head_lr, layer_decay=layer_decay)


def proof(model: Module, optimizer: Optimizer | None = None) -> AbstractContextManager:
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
    make_model: Callable[[], Module],
    specs: Sequence[str],
    batches: Iterable[tuple[Any, Tensor]],
    loss: Callable[[Any, Tensor], Tensor],
    *,
    held_out: Iterable[tuple[Any, Tensor]] | None = None,
    score: Callable[[Any, Tensor], Tensor] | None = None,
    steps: int | None = None,
    seeds: int = 1,
    learning_rate: float | None = None,
    factors: Sequence[float] = (1.0, 0.3, 3.0),
) -> Comparison:
    """Train a fresh model of your own under each selection, and compare them on the same held-out samples.

    Args:
        make_model: builds the model with its weights; called once for each run, after seeding torch.
        specs: rules, such as `"freeze all; train head"`.
        batches: (inputs, targets) on the model's device; a dict of inputs is passed by name, a tuple by position.
        loss: of the model's output and the targets.
        held_out: batches to score on; None takes every fourth of `batches`.
        score: one number a sample from output and targets, higher is better; None takes hits for class numbers and
            the negated loss of each sample otherwise.
        steps: optimizer steps; None is one pass over the batches.
        learning_rate: the same for all; None takes the default for each selection times its best factor.
        factors: of the default rates; each is tried on the first seed, since the best rate differs by selection.
            The best is picked on the held-out samples, for every selection alike.

    Raises:
        RuleError: rules that hit nothing. ProbeError: there are too few batches, or nothing trains.
    """
    from freezecore.runtime.search.compare import compare as run

    return run(
        make_model,
        specs,
        batches,
        loss,
        held_out=held_out,
        score=score,
        steps=steps,
        seeds=seeds,
        learning_rate=learning_rate,
        factors=factors,
    )


def save(model: Module, batch: object, path: str | Path) -> None:
    """Write a model object's tree and the trace of a training step on `batch`, for the page: no code, no weights."""
    model_file.write(path, read_tree(model), trace(model, batch=batch))
