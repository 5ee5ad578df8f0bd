"""What the joined steps tell before their operations are tried: what counts, and what may need a gradient."""

from __future__ import annotations

from collections.abc import Iterator

from freezecore._estimate import scratch
from freezecore._trace import Call
from freezecore.runtime.trace.join import Joined
from freezecore.runtime.trace.signature import Signature

MOST_TRIED = 4  # inputs of which every combination is probed ahead; of more, only the usual ones


def autograd_copies(joined: Joined) -> Iterator[int]:
    """Storages of copies that autograd makes before an operation in place: of a mask only when the input needs one.

    Nothing reads them, and probing the operation finds them again, as what it keeps.
    """
    read = {value for step in joined.steps if isinstance(step, Call) for value in step.inputs}
    for step in joined.steps:
        if isinstance(step, Call) and joined.pairs[step.operation][0].name == "clone" and step.outputs[0] not in read:
            yield joined.storage[step.outputs[0]]


def reorders(signature: Signature) -> int:
    """Which kind of scratch memory a convolution's kernel needs: none for a matrix product (1 x 1, stride 1)."""
    if signature.name != "convolution":
        return scratch.NONE
    pictures, weight, _, stride = signature.arguments[0][:4]
    groups, kernel = signature.arguments[0][8], weight.size[2:]
    if groups > 1 and groups == weight.size[0] and max(kernel) > 3 and pictures.stride[1] == 1:
        return scratch.PADS
    return scratch.REORDERS if groups > 1 or any(size > 1 for size in (*kernel, *stride)) else scratch.NONE


def counting(steps: list, loss: int) -> Iterator[bool]:
    """Per step, whether a path leads from it to the loss."""
    reached, found = {loss}, []
    for step in reversed(steps):
        if isinstance(step, Call):
            counts = not reached.isdisjoint(step.outputs)
            reached.update(step.inputs if counts else ())
        else:
            counts = True
            reached.update(value for stand_for, value in step.pairs if stand_for in reached)
        found.append(counts)
    return reversed(found)


def received_outputs(steps: list) -> dict[int, set[int]]:
    """Per operation, the sets of outputs (as bits) that a call on the way to the loss goes on to read."""
    read = {value for step in steps if isinstance(step, Call) and step.counts for value in step.inputs}
    read.update(value for step in steps if not isinstance(step, Call) for pair in step.pairs for value in pair)
    found: dict[int, set[int]] = {}
    for step in steps:
        if isinstance(step, Call) and step.counts:
            bits = sum(1 << position for position, value in enumerate(step.outputs) if value in read)
            found.setdefault(step.operation, set()).add(bits or 1)
    return found


def able_inputs(joined: Joined, steps: list, parameters: set[int]) -> dict[int, int]:
    """Per operation, the inputs (as bits) that descend from a parameter in any of its calls, and are differentiable."""
    descends = set(parameters)
    able: dict[int, int] = {}
    for step in steps:
        if not isinstance(step, Call):
            descends.update(value for value, stand_in in step.pairs if stand_in in descends)
            continue
        signature = joined.pairs[step.operation][0]
        if not signature.graph:
            continue
        bits = sum(
            1 << i
            for i, (value, shape) in enumerate(zip(step.inputs, signature.shapes(), strict=True))
            if value in descends and shape.dtype.is_floating_point
        )
        if bits:
            descends.update(step.outputs)
            if step.counts:
                able[step.operation] = able.get(step.operation, 0) | bits
    return able


def combinations(able: int) -> list[int]:
    """Sets of inputs to try ahead: all of them when they are few, else all, each alone, and all from each on."""
    positions = [i for i in range(able.bit_length()) if able >> i & 1]
    if len(positions) <= MOST_TRIED:
        chosen = range(1, 1 << len(positions))
        return [sum(1 << p for k, p in enumerate(positions) if bits >> k & 1) for bits in chosen]
    single = [1 << p for p in positions]
    suffixes = [sum(single[k:]) for k in range(len(single) - 1)]
    return [*single, *suffixes]


def distinct_bytes(tensors) -> Iterator[int]:
    seen = set()
    for tensor in tensors:
        key = tensor.untyped_storage()._cdata
        if key not in seen:
            seen.add(key)
            yield tensor.untyped_storage().nbytes()
