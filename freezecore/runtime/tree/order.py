"""The order in which one forward pass first uses each parameter, followed on the meta device without arithmetic."""

from __future__ import annotations

import inspect
import itertools
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from freezecore.errors import WorkloadError, shortened
from freezecore.runtime.inputs.bounds import bounded, set_training
from freezecore.runtime.inputs.example import examples
from freezecore.runtime.inputs.known import following
from freezecore.runtime.inputs.maker import Example
from freezecore.runtime.inputs.meta import meta_copy
from freezecore.runtime.tensors import tensors_in
from freezecore.runtime.tree.draws import Draws
from freezecore.runtime.tree.module_tree import is_library_model
from freezecore.sentences import say
from freezecore.workload import Workload

MOST_TRIES = 12
MOST_USED = 0.9  # of all parameters, for a forward pass to be taken for the whole
MOST_SECONDS = 20.0  # of processor time, so that a busy machine reads the same tree; recurrent models loop in Python
MARK = "_freezecore_origins"  # on a tensor of the copy
SHORT = 16  # tokens: enough for a window or a pooling, few for a loop
# Arguments of a forward that bring in no data of their own: with or without them the same layers run.
OPTION = re.compile(
    r"mask$|labels?$|embeds$|(?:position|token_type)_ids$|_positions$|cache|past_key_values|_outputs$|^(?:use|output|return|logits|num)_"
    r"|^(?:target|targets|interpolate_pos_encoding|lengths|kwargs)$"
)
ASKED = {Tensor.__bool__: bool, Tensor.item: int, Tensor.__int__: int, Tensor.__float__: float, Tensor.__index__: int}


@dataclass(frozen=True)
class Execution:
    """What one forward pass did.

    Attributes:
        parameters: names in the order of their first use; tied ones under their first name.
        calls: how often each module was called, by its first path.
        moved: modules whose buffers a forward wrote to in train mode and not in eval mode.
        random: modules that drew random numbers in train mode and not in eval mode.
        fed: for a module, those beside it in the same parent whose output its input was computed from; for an element
            of a list also elements of the lists beside that.
        by_parts: complete models inside the model were followed on their own.
        whole: it was given all that the model takes in, so that what it did not use, nothing uses.
    """

    parameters: tuple[str, ...]
    calls: dict[str, int]
    moved: tuple[str, ...] = ()
    random: tuple[str, ...] = ()
    fed: dict[str, frozenset[str]] = field(default_factory=dict)
    by_parts: bool = False
    whole: bool = False

    @cached_property
    def _used(self) -> frozenset[str]:
        return frozenset(self.parameters)

    def uses(self, name: str) -> bool | None:
        """Whether a forward pass reads a parameter; None where one with other inputs may."""
        return True if name in self._used else False if self.whole else None


@dataclass(frozen=True)
class Untraced:
    """A model that could not be followed, and why, as a sentence; it is false."""

    reason: str

    def __bool__(self) -> bool:
        return False


def execution_order(model: nn.Module, example: Example | None = None, *, own: bool = False) -> Execution | Untraced:
    """Follow a forward pass of a copy on the meta device; the model itself is neither run nor changed.

    Args:
        example: inputs; None tries what `examples` makes up.
        own: the model stands on the meta device and may be run itself.
    """
    try:
        twin = model if own else meta_copy(model)
    except (RuntimeError, TypeError, RecursionError) as error:
        return _untraced(say("it cannot be copied: {cause}", cause=shortened(str(error), 100)))
    config: Any = getattr(twin, "config", None)
    if hasattr(config, "use_cache"):
        config.use_cache = False  # what generation would keep, no step of training needs
    whole = _first_that_runs(twin, example, time.thread_time() + MOST_SECONDS)
    if example is not None:
        return whole
    seen = set(whole.parameters) if isinstance(whole, Execution) else set()
    parts = []
    for path, part in _parts(twin):
        names = {f"{path}.{name}" for name, _ in part.named_parameters()}
        if names & seen:
            continue
        alone = _first_that_runs(part, None, time.thread_time() + MOST_SECONDS / 2)
        if isinstance(alone, Execution):
            parts.append(_below(alone, path))
    return _joined([*parts, *([whole] if isinstance(whole, Execution) else [])]) if parts else whole


def _first_that_runs(model: nn.Module, example: Example | None, deadline: float) -> Execution | Untraced:
    problem: str = say("nothing tells what it takes in")
    best: Execution | Untraced | None = None
    wanted = MOST_USED * len(list(model.parameters()))
    try:
        for each, guess in itertools.islice(_tries(model, example), MOST_TRIES):
            try:
                # One that is given up in the middle may leave gradients switched off for the whole process.
                with torch.set_grad_enabled(torch.is_grad_enabled()):
                    found = _follow(model, each, guess, deadline)
            except Exception as error:  # a model's own code on tensors without values: whatever it raises
                problem = f"{type(error).__name__}: {shortened(' '.join(str(error).split()), 120)}"
            else:
                # The wrong guess may skip layers, as a random layer drop does: the other one is asked too.
                best = max((best, found), key=_reach)
            if isinstance(best, Execution) and (len(best.parameters) >= wanted or not guess):
                return best
            if time.thread_time() > deadline:
                problem = say("it takes longer than {seconds:.0f} seconds", seconds=MOST_SECONDS)
                break
    except Exception as error:  # no batch can be made up, or not of the sizes that the model's config names
        own = isinstance(error, WorkloadError)
        problem = shortened(str(error) if own else f"{type(error).__name__}: {error}", 160)
    return best or _untraced(problem)


def _untraced(problem: str) -> Untraced:
    return Untraced(
        say(
            "Layers stand in the order in which the code names them, or defines them: a forward pass cannot be "
            "followed ({problem}).",
            problem=problem,
        )
    )


def _parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Complete models of a library inside a model: the vision tower of a chat model, an encoder, a decoder."""
    inside: list[str] = []
    for path, module in model.named_modules():
        if path and is_library_model(module) and not path.startswith(tuple(f"{p}." for p in inside)):
            inside.append(path)
            yield path, module


def _below(alone: Execution, path: str) -> Execution:
    """What a part did, under the names that it has in the whole."""
    parameters = tuple(f"{path}.{name}" for name in alone.parameters)
    calls = {f"{path}.{inner}" if inner else path: count for inner, count in alone.calls.items()}
    moved, random = (tuple(f"{path}.{inner}" for inner in inside) for inside in (alone.moved, alone.random))
    fed = {f"{path}.{one}": frozenset(f"{path}.{other}" for other in others) for one, others in alone.fed.items()}
    return Execution(parameters, calls, moved, random, fed)


def _joined(runs: list[Execution]) -> Execution:
    """One after another: a tower that the whole did not need (no picture was given) stands before it."""
    return Execution(
        tuple(name for run in runs for name in run.parameters),
        {path: count for run in runs for path, count in run.calls.items()},
        tuple(path for run in runs for path in run.moved),
        tuple(path for run in runs for path in run.random),
        {path: others for run in runs for path, others in run.fed.items()},
        by_parts=True,
        whole=any(run.whole for run in runs),
    )


def _tries(model: nn.Module, example: Example | None) -> Iterator[tuple[Example, bool]]:
    """Inputs and guesses, the likeliest first: batch norms want two samples, a classifier without padding wants one."""
    if example is not None:
        yield from ((example, True), (example, False))
        return
    for each in examples(model, Workload(batch_size=2, sequence_length=SHORT)):
        yield from ((each, True), (each, False))
    for batch_size, length in ((1, SHORT), (2, None)):
        yield next(examples(model, Workload(batch_size=batch_size, sequence_length=length))), True


def _follow(model: nn.Module, example: Example, guess: bool, deadline: float) -> Execution:
    names: dict[int, str] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(tensor), name)
    calls: Counter[str] = Counter()
    origins = _Origins(model)
    with _hooked(model, calls, origins), _FirstUse(names, guess, deadline) as used, Draws(model) as draws:
        moved = _written(set_training(model, True), example)
    random = draws.paths
    if moved or random:
        # What a model does in eval mode alone, as a detector that makes boxes, may not be followed.
        with suppress(RuntimeError, TypeError, NotImplementedError):
            with _FirstUse({}, guess, deadline), Draws(model) as draws:
                moved -= _written(set_training(model, False), example)
            random -= draws.paths
    return Execution(
        tuple(used.order),
        dict(calls),
        tuple(sorted(moved)),
        tuple(sorted(random)),
        origins.fed(),
        whole=_is_whole(model, example),
    )


def _is_whole(model: nn.Module, example: Example) -> bool:
    """Whether an example gives all that the forward takes in: no picture, sound or other optional input is missing."""
    taken = list(inspect.signature(model.forward).parameters.values())[len(example.args) :]
    missing = [one.name for one in taken if one.default is None and one.name not in example.kwargs]
    return all(OPTION.search(name) for name in missing)


def _written(model: nn.Module, example: Example) -> set[str]:
    """Run a forward; paths of the modules that hold a buffer which it wrote to or replaced."""
    before = {name: (tensor, tensor._version) for name, tensor in model.named_buffers()}
    with torch.no_grad(), torch.device("meta"), bounded(model), following((example.args, example.kwargs)):
        example.call(model)
    after = dict(model.named_buffers())
    changed = [
        name
        for name, (tensor, version) in before.items()
        if after.get(name) is not tensor or tensor._version != version
    ]
    return {name.rpartition(".")[0] for name in changed}


@contextmanager
def _hooked(model: nn.Module, calls: Counter[str], origins: _Origins) -> Iterator[None]:
    """Count calls of each module, and let what it makes carry its mark."""

    def before(path: str):
        def hook(module, args, kwargs):
            calls.update((path,))
            origins.enter(path, (args, kwargs))

        return hook

    def after(path: str):
        return lambda module, args, made: origins.leave(path, made)

    hooks: list[Any] = []
    for path, module in model.named_modules():
        hooks.append(module.register_forward_pre_hook(before(path), with_kwargs=True))
        hooks.append(module.register_forward_hook(after(path)))
    try:
        yield
    finally:
        for each in hooks:
            each.remove()


class _Origins:
    """Which modules a tensor was computed from: a bit each, which `_FirstUse` hands on from arguments to results."""

    def __init__(self, model: nn.Module) -> None:
        self.paths = [path for path, _ in model.named_modules()]
        self.bit = {path: 1 << at for at, path in enumerate(self.paths)}
        # Per holder, the bits of its children and of what its lists hold.
        lists = {
            path
            for path, module in model.named_modules()
            if path and isinstance(module, (nn.ModuleList, nn.ModuleDict))
        }
        self.holder = {path: _around(_around(path) if _around(path) in lists else path) for path in self.paths}
        self.beside: Counter[str] = Counter()
        for path in self.paths[1:]:
            self.beside[self.holder[path]] |= self.bit[path]
        self.found: dict[str, int] = {}

    def enter(self, path: str, given: object) -> None:
        if near := self.beside[self.holder[path]] & ~self.bit[path]:
            self.found[path] = self.found.get(path, 0) | (near & marks_of(tensors_in(given)))

    def leave(self, path: str, made: object) -> None:
        mark(tensors_in(made), self.bit[path])

    def fed(self) -> dict[str, frozenset[str]]:
        return {
            path: frozenset(self.paths[at] for at in range(bits.bit_length()) if bits >> at & 1)
            for path, bits in self.found.items()
            if bits
        }


def _around(path: str) -> str:
    return path.rpartition(".")[0]


def marks_of(values: Iterable[object]) -> int:
    """The marks of all tensors among these, and in lists among these."""
    found = 0
    for value in values:
        if isinstance(value, Tensor):
            found |= getattr(value, MARK, 0)
        elif isinstance(value, list | tuple):
            found |= marks_of(value)
    return found


def mark(values: Iterable[object], bits: int) -> None:
    """Add marks to all tensors among these, and in lists among these."""
    for value in values:
        if isinstance(value, Tensor):
            setattr(value, MARK, getattr(value, MARK, 0) | bits)
        elif isinstance(value, list | tuple):
            mark(value, bits)


class _FirstUse(TorchFunctionMode):
    """Sees every torch function with a parameter among its arguments, functional use included, which hooks miss.

    Where a model asks a tensor for its value (is anything masked?) there is none, and it is told `guess`.
    """

    def __init__(self, names: dict[int, str], guess: bool, deadline: float) -> None:
        super().__init__()
        self.names = names
        self.guess = guess
        self.deadline = deadline
        self.order: dict[str, None] = {}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if time.thread_time() > self.deadline:
            raise TimeoutError
        if func in ASKED and args[0].is_meta:
            return ASKED[func](self.guess)
        inputs, options = args, kwargs or {}
        if _any_on(inputs, "meta") and (_any_on(inputs, "cpu") or _any_on(options.values(), "cpu")):
            # A constant that a model makes with numpy or keeps beside its buffers.
            inputs, options = _to_meta(inputs), {key: _to_meta(value) for key, value in options.items()}
        result = func(*inputs, **options)
        if bits := marks_of(args) | (marks_of(kwargs.values()) if kwargs else 0):
            mark((result, args[0]) if result is None else (result,), bits)
        # Asking for a dtype or a shape is no use; a view or a product is.
        if isinstance(result, Tensor | tuple | list):
            for value in (*args, *(kwargs or {}).values()):
                self._note(value)
        return result

    def _note(self, value: object) -> None:
        if isinstance(value, Tensor):
            name = self.names.get(id(value))
            if name is not None:
                self.order.setdefault(name)
        elif isinstance(value, list | tuple):
            for each in value:
                self._note(each)


def _any_on(values: Iterable[object], device: str) -> bool:
    return any(
        value.device.type == device
        if isinstance(value, Tensor)
        else isinstance(value, list | tuple) and _any_on(value, device)
        for value in values
    )


def _reach(one: Execution | Untraced | None) -> int:
    """How many parameters a try has used; fewer than any where it failed."""
    return len(one.parameters) if isinstance(one, Execution) else -1


def _to_meta(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to("meta") if value.device.type == "cpu" else value
    return type(value)(map(_to_meta, value)) if type(value) in (list, tuple) else value
