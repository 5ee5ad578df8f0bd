"""Where values flow in the joined steps: which lead to the loss, and which may need or receive a gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from freezecore._trace import EvalAlias, TracedCall
from freezecore.runtime.trace.join_modes import JoinedModes

DETACHES = "detach"
MOST_TRIED = 4  # inputs of which every combination is probed ahead; of more, only the usual ones


def autograd_copies(joined: JoinedModes) -> Iterator[int]:
    """Storages of copies that autograd makes before an operation in place, where its input needs a gradient.

    Nothing reads them, and probing the operation finds them again, as what it keeps.
    """
    read = {value for step in joined.steps if isinstance(step, TracedCall) for value in step.inputs}
    for step in joined.steps:
        if (
            isinstance(step, TracedCall)
            and joined.pairs[step.operation][0].name == "clone"
            and step.outputs[0] not in read
        ):
            yield joined.storage[step.outputs[0]]


def used_steps(joined: JoinedModes, loss: int) -> Iterator[bool]:
    """Per step, whether a path that a gradient can come back on leads from it to the loss."""
    reached, found = {loss}, []
    for step in reversed(joined.steps):
        if isinstance(step, TracedCall):
            signature = joined.pairs[step.operation][0]
            used = not reached.isdisjoint(step.outputs) and signature.graph and signature.name != DETACHES
            if used:
                reached.update(
                    value for value, shape in zip(step.inputs, signature.shapes(), strict=True) if shape.differentiable
                )
        else:
            used = True
            reached.update(value for stand_for, value in step.pairs if stand_for in reached)
        found.append(used)
    return reversed(found)


def received_outputs(steps: Sequence[TracedCall | EvalAlias]) -> dict[int, set[int]]:
    """Per operation, the sets of outputs (as bits) that a call on the way to the loss goes on to read."""
    read = {value for step in steps if isinstance(step, TracedCall) and step.used for value in step.inputs}
    read.update(value for step in steps if not isinstance(step, TracedCall) for pair in step.pairs for value in pair)
    found: dict[int, set[int]] = {}
    for step in steps:
        if isinstance(step, TracedCall) and step.used:
            bits = sum(1 << position for position, value in enumerate(step.outputs) if value in read)
            found.setdefault(step.operation, set()).add(bits or 1)
    return found


def able_inputs(joined: JoinedModes, steps: Sequence[TracedCall | EvalAlias], parameters: set[int]) -> dict[int, int]:
    """Per operation, the inputs (as bits) that descend from a parameter in any of its calls, and are differentiable."""
    descends = set(parameters)
    able: dict[int, int] = {}
    for step in steps:
        if not isinstance(step, TracedCall):
            descends.update(value for value, stand_in in step.pairs if stand_in in descends)
            continue
        signature = joined.pairs[step.operation][0]
        if not signature.graph or signature.name == DETACHES:
            continue
        bits = sum(
            1 << i
            for i, (value, shape) in enumerate(zip(step.inputs, signature.shapes(), strict=True))
            if value in descends and shape.differentiable
        )
        if bits:
            descends.update(step.outputs)
            if step.used:
                able[step.operation] = able.get(step.operation, 0) | bits
    return able


def cuts_a_gradient(steps: Sequence[TracedCall | EvalAlias], joined: JoinedModes, parameters: set[int]) -> bool:
    """Whether the model detaches, and goes on to use, a value that descends from a parameter."""
    descends = set(parameters)
    used = {v for step in steps if isinstance(step, TracedCall) and step.used for v in step.inputs}
    for step in steps:
        if isinstance(step, TracedCall) and not descends.isdisjoint(step.inputs):
            if joined.pairs[step.operation][0].name == DETACHES and not used.isdisjoint(step.outputs):
                return True
            descends.update(step.outputs)
    return False


def kept_aside(steps: Sequence[TracedCall | EvalAlias], joined: JoinedModes, parameters: set[int]) -> set[int]:
    """Storages that calls beside the way to the loss read or make, of what descends from a parameter: autograd keeps
    them for as long as the model's code holds on to a result, such as a distance of which only the nearest is taken."""
    descends, found = set(parameters), set[int]()
    for step in steps:
        if not isinstance(step, TracedCall):
            descends.update(value for value, stand_in in step.pairs if stand_in in descends)
            continue
        signature = joined.pairs[step.operation][0]
        if not signature.graph or signature.name == DETACHES or descends.isdisjoint(step.inputs):
            continue
        descends.update(step.outputs)
        if not step.used:
            found.update(joined.storage[value] for value in (*step.inputs, *step.outputs) if value not in parameters)
    return found


def combinations(able: int) -> list[int]:
    """Sets of inputs to try ahead: all of them when they are few, else all, each alone, and all from each on."""
    positions = [i for i in range(able.bit_length()) if able >> i & 1]
    if len(positions) <= MOST_TRIED:
        chosen = range(1, 1 << len(positions))
        return [sum(1 << p for k, p in enumerate(positions) if bits >> k & 1) for bits in chosen]
    single = [1 << p for p in positions]
    suffixes = [sum(single[k:]) for k in range(len(single) - 1)]
    return [*single, *suffixes]
