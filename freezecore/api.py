"""The verbs of the flow, as the page, the command line, notebooks and tests call them.

    ModelSource -> LayerTree -> FreezeSpec -> Mask -> Estimate -> Probe -> Export

A verb that needs a real module imports torch when it is called, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from numbers import Integral
from typing import TYPE_CHECKING, Any, overload

from freezecore import model_file
from freezecore._estimate import budget, cost, devices
from freezecore._estimate.cards import card_called
from freezecore._estimate.cost import AnyEstimate
from freezecore._estimate.devices import DeviceShare
from freezecore._estimate.difference import Difference
from freezecore._estimate.missing import Pricer, costliest
from freezecore._estimate.moments import Timeline
from freezecore._estimate.moments import timeline as moments
from freezecore._resolve import resolve_phases
from freezecore._trace import Missing, Trace
from freezecore.arguments import checked
from freezecore.cache import traces, trees
from freezecore.errors import FreezeError, MissingLibrary, TraceError
from freezecore.mask import Mask
from freezecore.probe import Emit, ProbeOptions, ProbeRequest, ProbeResult, ShouldStop, never, silent
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from freezecore.tree_format import Summary
from freezecore.workload import Workload, WorkloadOptions

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from freeze_explorer.notebook import TreeWidget
    from torch import Tensor
    from torch.nn import Module, Parameter
    from torch.optim import Optimizer

    from freezecore.comparison import Comparison
    from freezecore.runtime.own.callbacks import ProvingCallback
    from freezecore.runtime.own.proof import ProofCheck
    from freezecore.runtime.own.unfreezing import Unfreezing
    from freezecore.search.find import FindResult
    from freezecore.search.suggest import SuggestResult
    from freezecore.search.sweep import SweepResult


@checked
def read_tree(model: ModelSource | str | Module, *, allow_python: bool = True) -> LayerTree:
    """The layer tree of a source (shapes only: no weights, no download) or of a model object.

    `allow_python` lets a `py:` source run its function.

    Raises:
        SourceError: the source cannot be built.
    """
    model = _read(model)
    if isinstance(model, ModelSource):
        if model.scheme == "file":
            return model_file.read(model.name).tree
        if (kept := trees.stored(model)) is not None:
            return kept
        from freezecore.runtime.tree.read import read_source

        return read_source(model, allow_python=allow_python)
    from freezecore.runtime.own.wrappers import unwrapped
    from freezecore.runtime.tree.layers import read_module

    return read_module(unwrapped(model))


@checked
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
    model = _read(model)
    if not isinstance(model, ModelSource):
        return pricer(model, workload, batch=batch).trace
    _no_batch(model, batch)
    workload = workload or Workload()
    if model.scheme == "file":
        return model_file.read(model.name).required_trace().under(workload)
    if (known := traces.stored(model, workload)) is not None:
        return known
    from freezecore.runtime.trace import trace_source

    return trace_source(model, workload)


@checked
def pricer(model: ModelSource | str | Module, workload: Workload | None = None, *, batch: object = None) -> Pricer:
    """What prices any mask of a model: `fc.pricer(model).estimate(mask)`.

    Where `fc.estimate(fc.trace(model), mask)` may find that the trace was never followed under such a mask, this
    follows what is missing. Arguments and errors are those of `trace`.
    """
    model = _read(model)
    if isinstance(model, ModelSource):
        source = model

        def fill(known: Trace, missing: tuple[Missing, ...]) -> Trace:
            from freezecore.runtime.trace import fill

            return fill(known, source, missing)

        return Pricer(trace(source, workload, batch=batch), fill)
    from freezecore.runtime.own.wrappers import unwrapped
    from freezecore.runtime.trace import module_pricer

    return module_pricer(unwrapped(model), workload, batch=batch)


def _source(source: ModelSource | str) -> ModelSource:
    return ModelSource.parse(source) if isinstance(source, str) else source


def _read(model: ModelSource | str | Module) -> ModelSource | Module:
    return ModelSource.parse(model) if isinstance(model, str) else model


def _no_batch(source: ModelSource, batch: object) -> None:
    if batch is not None:
        raise TraceError(
            "{source} is a name, whose inputs are made up: an example batch goes with a model object.",
            "Give its size, as Workload(batch_size=8), or hand over the model itself.",
            source=source,
        )


@overload
def estimate(model: Trace, rules: Mask, *, batch_size: int | None = None) -> AnyEstimate: ...
@overload
def estimate(
    model: ModelSource | str | Module,
    rules: FreezeSpec | str | Mask,
    *,
    batch: object = None,
    **workload: Unpack[WorkloadOptions],
) -> AnyEstimate: ...
@checked
def estimate(
    model: ModelSource | str | Module | Trace,
    rules: FreezeSpec | str | Mask,
    *,
    batch_size: int | None = None,
    batch: object = None,
    **workload: Unpack[WorkloadOptions],
) -> AnyEstimate:
    """What one training step costs: in one call, `fc.estimate("timm:resnet18", "freeze all; train head", batch=8)`, or
    from a trace and a mask at hand, which takes milliseconds.

    Where a schedule changes what trains, it is the costliest phase's. A `PartialEstimate` tells where the peak is
    unknown, and why; `.required()` raises there.

    Args:
        batch: the batch size (None is 32), or for a model object an example batch, as `trace` takes it.
        batch_size: the batch size beside a trace; None takes the trace's own.
        workload: sizes, optimizer, precision and so on, as fields of `Workload`.

    Raises:
        FreezeError: the model cannot be opened, a rule hits nothing, or trace and mask are not of one model.
    """
    if isinstance(model, Trace):
        if not isinstance(rules, Mask):
            raise FreezeError(
                "This takes a Mask beside a trace, not rules.", "Resolve them first: fc.resolve(rules, tree)."
            )
        if batch is not None or workload:
            raise FreezeError("A trace has its workload already.", "Give batch_size alone, or trace the model anew.")
        return cost.estimate(model, rules, batch_size=batch_size)
    return cost.estimate(*_costliest(model, rules, batch if batch is not None else batch_size, workload))


@checked
def timeline(
    model: ModelSource | str | Module,
    rules: FreezeSpec | str | Mask,
    *,
    batch: object = None,
    **workload: Unpack[WorkloadOptions],
) -> Timeline:
    """What is alive at each moment of a training step; its maximum is `estimate`'s peak, to the byte.

    Of a schedule, its costliest phase's. `batch` and `workload` are as `estimate` takes them.

    Raises:
        UnknownCost: the step could not be followed.
        FreezeError: what `estimate` raises.
    """
    return moments(*_costliest(model, rules, batch, workload))


@checked
def per_device(
    model: ModelSource | str | Module,
    rules: FreezeSpec | str | Mask,
    *,
    world: int,
    sharding: str = "ddp",
    batch: object = None,
    **workload: Unpack[WorkloadOptions],
) -> DeviceShare:
    """What a training step takes on each of several devices: `fc.per_device(model, rules, world=2, sharding="fsdp")`.

    Args:
        world: how many devices.
        sharding: what they divide: `ddp` nothing, `zero1` to `zero3` and `fsdp` ever more.
        batch: as `estimate` takes it; its size is one device's own.
        workload: as `estimate` takes it.

    Raises:
        WorkloadError: no such world or sharding.
        UnknownCost: the step could not be followed.
        FreezeError: what `estimate` raises.
    """
    devices.checked_world(world, sharding)
    return devices.per_device(*_costliest(model, rules, batch, workload), world, sharding)


@overload
def fits(
    model: ModelSource | str | Module,
    rules: FreezeSpec | str | Mask,
    *,
    card: str,
    batch: object = None,
    **workload: Unpack[WorkloadOptions],
) -> budget.CardFit: ...
@overload
def fits(
    model: ModelSource | str | Module,
    rules: FreezeSpec | str | Mask,
    *,
    card: None = None,
    batch: object = None,
    **workload: Unpack[WorkloadOptions],
) -> tuple[budget.CardFit, ...]: ...
@checked
def fits(
    model: ModelSource | str | Module,
    rules: FreezeSpec | str | Mask,
    *,
    card: str | None = None,
    batch: object = None,
    **workload: Unpack[WorkloadOptions],
) -> budget.CardFit | tuple[budget.CardFit, ...]:
    """Whether a training step fits on a card, and the largest batch that does: `fc.fits(model, rules, card="T4")`.

    Args:
        card: by its name, or an amount of memory such as `16GB`; None is every card that is known.
        batch: as `estimate` takes it.
        workload: as `estimate` takes it.

    Raises:
        FreezeError: there is no such card, or what `estimate` raises.
    """
    cards = None if card is None else [card_called(card)]
    found = budget.fits(*_costliest(model, rules, batch, workload), cards=cards)
    return found if cards is None else found[0]


@checked
def diff(
    model: ModelSource | str | Module,
    rules: FreezeSpec | str | Mask,
    other: FreezeSpec | str | Mask,
    *,
    batch: object = None,
    **workload: Unpack[WorkloadOptions],
) -> Difference:
    """Two selections of one model: what trains only in the first or the other, and what changes in cost.

    Of a schedule, the first phase is taken. `batch` and `workload` are as `estimate` takes them.

    Raises:
        FreezeError: what `estimate` raises.
    """
    price, ((one, *_), (two, *_)) = _priced(model, [rules, other], batch, workload)
    return Difference(one, two, price.estimate(one), price.estimate(two))


@checked
def summary(model: ModelSource | str | Module, rules: FreezeSpec | str | Mask | None = None) -> Summary:
    """A table of layers with their parameters, trainable or frozen: as the model is now, or as rules would have it.

    Raises:
        FreezeError: the model cannot be opened, or a rule hits nothing.
    """
    return Summary(_masks(model, rules)[0])


@checked
def show(model: ModelSource | str | Module, rules: FreezeSpec | str | Mask | None = None) -> TreeWidget:
    """The tree with its boxes, in a notebook; `view.rules` and `view.mask` follow what is ticked, and can be set.

        view = fc.show(model)
        mask = fc.apply(model, view.rules)

    Args:
        rules: what is ticked at first; None shows what trains now. Of a schedule it is the first phase.

    Raises:
        FreezeError: the model cannot be opened, or a rule hits nothing.
        MissingLibrary: anywidget, or the other half of the distribution, is not installed.
    """
    from importlib.metadata import entry_points

    found = list(entry_points(group="freezecore.views"))
    if not found:  # freezecore alone, copied out of its distribution
        raise MissingLibrary(
            "This needs {library}, which is not installed.",
            "pip install 'freeze-explorer{extra}'",
            library="freeze-explorer",
            extra="[notebook]",
        )
    widget = found[0].load()
    text = rules if isinstance(rules, str) else str(rules) if isinstance(rules, FreezeSpec) else None
    return widget(_masks(model, None)[0], _masks(model, rules)[0], text)


def _priced(
    model: ModelSource | str | Module,
    selections: Sequence[FreezeSpec | str | Mask],
    batch: object,
    options: WorkloadOptions,
) -> tuple[Pricer, list[tuple[Mask, ...]]]:
    """What prices a model's masks, and the masks of each selection, phase by phase."""
    masks = [_masks(model, one) for one in selections]
    if batch is None or (isinstance(batch, Integral) and not isinstance(batch, bool)):
        return pricer(model, Workload(batch_size=32 if batch is None else int(batch), **options)), masks
    return pricer(model, Workload(**options), batch=batch), masks


def _masks(model: ModelSource | str | Module, rules: FreezeSpec | str | Mask | None) -> tuple[Mask, ...]:
    """What rules mean on a model in each phase; a model object stays as it is where no rule hits, as in `apply`."""
    model = _read(model)
    if isinstance(model, ModelSource):
        now = Mask.as_author(read_tree(model))
    else:
        from freezecore.runtime.own.proof import mask_of
        from freezecore.runtime.own.wrappers import unwrapped

        now = mask_of(unwrapped(model))
    if isinstance(rules, Mask):
        rules.require_tree(now.tree)
        return (rules,)
    spec = FreezeSpec.parse(rules) if isinstance(rules, str) else rules
    return (now,) if spec is None else tuple(resolve_phases(spec, now.tree, now).values())


def _costliest(
    model: ModelSource | str | Module, rules: FreezeSpec | str | Mask, batch: object, options: WorkloadOptions
) -> tuple[Trace, Mask]:
    """The mask of the phase with the highest peak, or with an unknown one, and a trace with all that it needs."""
    price, (masks,) = _priced(model, [rules], batch, options)
    mask = masks[costliest(dict(enumerate(map(price.estimate, masks))))]
    return price.trace, mask


@overload
def run_probe(request: ProbeRequest, rules: Emit = silent, should_stop: ShouldStop = never) -> ProbeResult: ...
@overload
def run_probe(request: ProbeRequest, *, emit: Emit = silent, should_stop: ShouldStop = never) -> ProbeResult: ...
@overload
def run_probe(
    request: ModelSource | str,
    rules: FreezeSpec | str,
    should_stop: ShouldStop = never,
    *,
    emit: Emit = silent,
    **probe: Unpack[ProbeOptions],
) -> ProbeResult: ...
@checked
def run_probe(
    request: ModelSource | str | ProbeRequest,
    rules: FreezeSpec | str | Emit | None = None,
    should_stop: ShouldStop = never,
    *,
    emit: Emit = silent,
    **probe: Unpack[ProbeOptions],
) -> ProbeResult:
    """A short fine-tuning run: `fc.run_probe("timm:resnet18", "freeze all; train head", data="shapes", steps=20)`.

    Args:
        request: the model, or all that is asked for as one `ProbeRequest`.
        rules: the selection; beside a request, what hears each step.
        emit: hears of each step as it ends.
        should_stop: asked between steps; true ends the run early.
        probe: fields of ProbeRequest, such as `data` and `steps`.

    Raises:
        FreezeError: it could not start. What goes wrong later is a state of the result.
    """
    if not isinstance(request, ProbeRequest):
        if rules is None or callable(rules):
            raise FreezeError(
                "A probe of {source} needs rules.", "Such as 'freeze all; train head'; 'train all' freezes nothing.",
                source=request,
            )  # fmt: skip
        spec = FreezeSpec.parse(rules) if isinstance(rules, str) else rules
        request = ProbeRequest(_source(request), spec, **probe)
    elif callable(rules):
        emit = rules
    elif rules is not None or probe:
        raise FreezeError("The request has its rules and options already.", "Change them in the ProbeRequest.")
    from freezecore.runtime.train.run import run_probe as run

    return run(request, emit, should_stop)


@checked
def run_sweep(
    source: ModelSource | str,
    *,
    over: Sequence[str] = ("depth", "presets"),
    specs: Sequence[FreezeSpec | str] = (),
    seeds: int = 1,
    ray: str | None = None,
    factors: Sequence[float] = (1.0,),
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    **probe: Unpack[ProbeOptions],
) -> SweepResult:
    """Many selections side by side.

    Args:
        over: families of selections: `depth` (0, 1, … all blocks frozen from the input side), `presets`, `rank` (LoRA
            of several ranks, on all blocks and on the last half of them).
        specs: further selections, as rules.
        seeds: runs of each selection.
        ray: address of a Ray cluster, or `auto`; None stays on this machine.
        factors: learning rates of each selection, as multiples of its default ones.
        emit: hears a `run` event as each run ends, and the steps of each in between (see `freezecore.search`).
        probe: fields of ProbeRequest, such as `data` and `steps`.

    Raises:
        FreezeError: it could not start. A run that fails is an entry that says so.
    """
    from freezecore.runtime.search.sweep import run
    from freezecore.search.sweep import SweepRequest

    base = ProbeRequest(_source(source), FreezeSpec(), **probe)
    return run(SweepRequest(base, tuple(over), tuple(map(str, specs)), seeds, ray, tuple(factors)), emit, should_stop)


@checked
def run_find(
    source: ModelSource | str,
    *,
    minutes: float,
    budget_bytes: int | None = None,
    over: Sequence[str] = ("depth", "presets"),
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    **probe: Unpack[ProbeOptions],
) -> FindResult:
    """The best selection within so many minutes.

    Args:
        budget_bytes: peak training memory that a selection may need by the estimate; None for no limit.
        over: families of selections, as `run_sweep` has them; each at three learning rates.
        emit: hears each run begin and end (see `freezecore.search`).
        probe: fields of ProbeRequest; `steps` are those of the final runs.

    Raises:
        FreezeError: it could not start, or nothing fits in the memory budget.
    """
    from freezecore.runtime.search.find import run
    from freezecore.search.find import FindRequest

    base = ProbeRequest(_source(source), FreezeSpec(), **probe)
    return run(FindRequest(base, minutes, budget_bytes, tuple(over)), emit, should_stop)


@checked
def run_suggest(
    source: ModelSource | str,
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

    base = ProbeRequest(_source(source), FreezeSpec(), **probe)
    return run(SuggestRequest(base, tuple(by), budget_bytes), emit, should_stop)


@checked
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


@checked
def frozen(model: Module, rules: FreezeSpec | str) -> AbstractContextManager[Mask]:
    """`with fc.frozen(model, rules): …` applies rules for the block; afterwards all is as it was before.

    Raises:
        FreezeError: as `apply`.
        RuleError: as `apply`.
    """
    from freezecore.runtime.own.apply import frozen as run

    return run(model, rules)


@checked
def release(model: Module) -> None:
    """Let `model.train()` reach every module again; what trains is left as it is."""
    from freezecore.runtime.own.hold import release as run
    from freezecore.runtime.own.wrappers import unwrapped

    run(unwrapped(model))


@checked
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


@checked
def proof(model: Module, optimizer: Optimizer | None = None) -> AbstractContextManager[ProofCheck]:
    """`with fc.proof(model): train()` raises, by name, if anything frozen moved: parameters and held buffers."""
    from freezecore.runtime.own.proof import proof as live_proof

    return live_proof(model, optimizer)


@checked
def ProofCallback() -> ProvingCallback:
    """The same proof inside a Hugging Face or Lightning trainer: `Trainer(callbacks=[fc.ProofCallback()])`.

    Import the trainer's library first, and give it last, after callbacks that freeze.
    """
    from freezecore.runtime.own.callbacks import proof_callback

    return proof_callback()


@checked
def trainable_parameters(model: Module) -> list[Parameter]:
    """The parameters that train, each once: what an optimizer is given."""
    from freezecore.runtime.own.unfreezing import trainable_parameters as live_parameters

    return live_parameters(model)


@checked
def unfreezing(model: Module, rules: FreezeSpec | str) -> Unfreezing:
    """Gradual unfreezing in a plain loop: call the schedule's `begin_epoch(epoch, optimizer)` as each epoch begins.

    Raises:
        RuleError: a rule of any phase cannot be read or hits nothing; the model is unchanged.
    """
    from freezecore.runtime.own.unfreezing import Unfreezing

    return Unfreezing(model, rules)


@checked
def compare(
    make_model: Callable[[], Module],
    specs: Sequence[FreezeSpec | str],
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
        RuleError: rules that hit nothing.
        ProbeError: there are too few batches, or nothing trains.
    """
    from freezecore.runtime.search.compare import compare as run

    return run(
        make_model,
        tuple(map(str, specs)),
        batches,
        loss,
        held_out=held_out,
        score=score,
        steps=steps,
        seeds=seeds,
        learning_rate=learning_rate,
        factors=factors,
    )


@checked
def save(model: Module, batch: object, path: str | Path) -> None:
    """Write a model object's tree and the trace of a training step on `batch`, for the page: no code, no weights."""
    model_file.write(path, read_tree(model), trace(model, batch=batch))
