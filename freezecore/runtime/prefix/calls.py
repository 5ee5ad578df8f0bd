"""One forward pass as a list of module calls, and the places where it can be cut before the first trainable one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from freezecore.runtime.tree.marks import SET_TO_ZERO, drops, moves

NEVER = 1 << 60


@dataclass(eq=False)
class ModuleCall:
    """One call of one module.

    Attributes:
        nth: how often this module was called before, in the same forward.
        parent: the call that made it; None for the root's.
        entered, left: ticks of one clock that counts entries and exits.
        arguments: (args, kwargs) at the entry.
        output: what it returned.
    """

    module: nn.Module
    path: str
    nth: int
    parent: ModuleCall | None
    entered: int
    left: int = NEVER
    arguments: Any = None
    output: Any = None

    def stack(self) -> Iterator[ModuleCall]:
        """This call and those it is inside of, innermost first."""
        call: ModuleCall | None = self
        while call:
            yield call
            call = call.parent


@contextmanager
def recording(model: nn.Module) -> Iterator[list[ModuleCall]]:
    """Notes every module call of the forward passes inside, in order of entry."""
    calls: list[ModuleCall] = []
    stack: list[ModuleCall] = []
    counts: dict[nn.Module, int] = {}
    clock = iter(range(NEVER))

    def enter(path: str) -> Callable:
        def hook(module: nn.Module, args: tuple, kwargs: dict) -> None:
            nth = counts.get(module, 0)
            counts[module] = nth + 1
            parent = stack[-1] if stack else None
            call = ModuleCall(module, path, nth, parent, next(clock), arguments=(args, kwargs))
            calls.append(call)
            stack.append(call)

        return hook

    def leave(module: nn.Module, args: tuple, output: Any) -> None:
        call = stack.pop()
        call.left, call.output = next(clock), output

    handles = []
    try:
        for path, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(enter(path), with_kwargs=True))
            handles.append(module.register_forward_hook(leave))
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def first_alive(calls: list[ModuleCall], model: nn.Module) -> ModuleCall | None:
    """The first call that may use a trainable parameter, or that is random or moves because nothing holds it.

    A parameter whose owner is never called (a projection whose weight its parent reads) counts as its nearest
    called ancestor's.
    """
    called = {call.path for call in calls}
    users = set()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter.requires_grad:
            path = name.rpartition(".")[0]
            while path and path not in called:
                path = path.rpartition(".")[0]
            users.add(path)
    modules = dict(model.named_modules(remove_duplicate=False))
    using = {modules[path] for path in users}
    return next((call for call in calls if call.module in using or _changes(call.module)), None)


def _changes(module: nn.Module) -> bool:
    return module.training and SET_TO_ZERO not in vars(module) and (drops(module) or moves(module))


def finished(calls: list[ModuleCall], cut: ModuleCall) -> list[ModuleCall]:
    """The calls that were over before the cut began, each that no other such call contains."""
    return [c for c in calls if c.left < cut.entered and c.parent is not None and c.parent.left > cut.entered]


def candidates(calls: list[ModuleCall], model: nn.Module) -> list[ModuleCall]:
    """Calls at which the forward may be cut, innermost first; empty when nothing runs before the first trainable."""
    first = first_alive(calls, model)
    if first is None:
        return []
    return [call for call in first.stack() if call.parent is not None and finished(calls, call)]
