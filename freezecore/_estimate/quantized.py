"""A base whose linear layers are kept in 4 or 8 bits, priced by bitsandbytes' stated layout: nothing is followed anew.

    nf4   two weights a byte; a scale for each 64, itself in one byte, with a float32 for each 256 of these and its mean
          (double quantization); tables of 16 and 256 float32. Both passes unpack a layer's weight for a moment.
    int8  a byte a weight, a float32 a row. The layer's input is kept for the backward pass, which unpacks the weight;
          the forward pass makes the input's 8-bit copy and the product in int32.

Kept as they are: the head, routers, norms, embeddings, convolutions, experts in one tensor, adapters, what is tied, and
what transformers keeps in float32. Sources: bitsandbytes 0.50, `functional.quantize_4bit`,
`autograd._functions.MatMul4Bit` and `MatMul8bitLt`; transformers 5.23, `replace_with_bnb_linear`; arXiv 2305.14314.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import ceil
from typing import NamedTuple

from freezecore._trace import Amount, Missing, Operation, Trace, TracedCall, TracedParameter
from freezecore.errors import SourceError, shortened
from freezecore.sentences import say
from freezecore.source import QUANTIZED
from freezecore.tree import LayerTree, Parameter

FLOAT32 = {  # transformers' `_keep_in_fp32_modules`, which it never quantizes
    **dict.fromkeys(("T5", "MT5", "UMT5", "Udop", "Pop2Piano"), "wo"),
    "Blip2": "qformer",
}
BLOCK, NESTED = 64, 256  # weights to a scale, scales to a scale of their own
CODES = (16 * 4, 256 * 4)  # bytes of the tables of nf4's values and of a scale's


def quantized_names(tree: LayerTree) -> tuple[str, ...]:
    """The weights that are kept in fewer bits.

    Raises:
        SourceError: there are none.
    """
    float32 = _in_float32(tree)
    weights = ((path, p) for path, p in linear_layers(tree).items() if p.kind != "head" and not p.router)
    found = [p.name for path, p in weights if not p.aliases and float32.isdisjoint(path.split("."))]
    if not found:
        raise SourceError(
            "{source} has no linear layer beside its head that could be quantized.",
            "Leave its weights as they are.",
            source=shortened(tree.source),
        )
    return tuple(found)


def linear_layers(tree: LayerTree) -> dict[str, Parameter]:
    """By path, the weights of the layers that transformers puts bitsandbytes' in the place of, unless it is told to
    keep them: `nn.Linear` itself, and `Conv1D`."""
    weights = {name: p for p in tree.parameters for name in p.names if len(p.shape) == 2 and not p.adapter}
    linear = (x.path for x in tree.layers if x.bases[:1] == ("nn.Linear",) or "Conv1D" in x.bases)
    return {path: weights[f"{path}.weight"] for path in linear if f"{path}.weight" in weights}


def kept_layers(tree: LayerTree) -> list[str]:
    """Linear layers that a quantized tree keeps as they are."""
    return [path for path, p in linear_layers(tree).items() if p.dtype not in QUANTIZED]


def kept_by_transformers(tree: LayerTree) -> set[str]:
    """Those of them that it keeps by itself: what gives words, what is tied, the last parameter's own where that is a
    weight, and what stays in float32."""
    words = max((e.shape[0] for e in tree.parameters if e.kind == "embedding" and len(e.shape) == 2), default=None)
    last, float32 = [p.name for p in tree.parameters if not p.adapter][-1], _in_float32(tree)
    return {
        path
        for path, p in linear_layers(tree).items()
        if p.aliases or p.name == last or p.kind == "head" and p.shape[0] == words or float32 & set(path.split("."))
    }


def _in_float32(tree: LayerTree) -> set[str]:
    return {FLOAT32[name] for each in tree.layers[0].bases if (name := each.removesuffix("PreTrainedModel")) in FLOAT32}


def quantized_tree(tree: LayerTree, kind: str) -> LayerTree:
    """The tree with those weights in that type: they have no gradient and cannot train."""
    names = set(quantized_names(tree))
    parameters = (replace(p, dtype=kind, frozen_by_author=True) if p.name in names else p for p in tree.parameters)
    return replace(tree, parameters=tuple(parameters))


def quantized_trace(trace: Trace, names: Iterable[str], kind: str) -> Trace:
    """The step with these weights kept in fewer bits."""
    return QuantizedStep(trace, frozenset(names), kind).trace()


def unquantized(trace: Trace, names: Iterable[str], kind: str, missing: Iterable[Missing]) -> tuple[Missing, ...]:
    """What was missing in `quantized_trace(trace, names, kind)`, as what is missing in the trace itself."""
    made = QuantizedStep(trace, frozenset(names), kind)
    made.trace()
    of = {number: reading.operation for reading, number in made.numbers.items()}
    return tuple(one._replace(operation=of.get(one.operation, one.operation)) for one in missing)


def layout(numel: int, rows: int, kind: str) -> tuple[int, ...]:
    """Bytes of each tensor that a weight of so many scalars and rows is kept in, the packed weight first."""
    if kind == "int8":
        return numel, 4 * rows
    scales = ceil(numel / BLOCK)
    return ceil(numel / 2), scales, 4 * ceil(scales / NESTED), 4, *CODES


class WeightRead(NamedTuple):
    """A call of an operation that reads a quantized weight: the operation, at which of its inputs, the weight's bytes
    when unpacked, whether autocast's copy is that already, and amounts of its other input and its output."""

    operation: int
    positions: tuple[int, ...]
    unpacked: int
    copied: bool
    given: int
    made: int


class QuantizedStep:
    def __init__(self, trace: Trace, names: frozenset[str], kind: str) -> None:
        self.whole, self.kind = trace, kind
        self.weights = {p.value: p for p in trace.parameters if p.name in names}
        self.amounts = list(trace.amounts)
        self.numbers: dict[WeightRead, int] = {}

    def trace(self) -> Trace:
        trace = self.whole
        parameters: list[TracedParameter] = []
        beside: list[int] = []
        for p in trace.parameters:
            if p.value in self.weights:
                beside += layout(p.numel, p.shape[0] if p.shape else 1, self.kind)
                p = p._replace(itemsize=0)  # noqa: PLW2901  its bytes are counted as those of buffers
            parameters.append(p)
        steps = tuple(self._steps())
        operations = [*trace.operations, *map(self._operation, self.numbers)]
        return replace(
            trace,
            parameters=tuple(parameters),
            buffers=(*trace.buffers, *beside),
            steps=steps,
            operations=tuple(operations),
            amounts=tuple(self.amounts),
            notes=(*trace.notes, _note(self.kind)),
        )

    def _steps(self) -> Iterable:
        """The steps, in which whatever multiplies by a quantized weight is an operation of its own."""
        trace = self.whole
        held: dict[int, TracedParameter] = {trace.storage[value]: p for value, p in self.weights.items()}
        copies: set[int] = set()
        for step in trace.steps:
            if not isinstance(step, TracedCall) or not step.outputs:
                yield step
                continue
            out = trace.storage[step.outputs[0]]
            reads = [i for i, value in enumerate(step.inputs) if trace.storage[value] in held]
            if not reads or out in held:  # a view is the weight still
                yield step
                continue
            weight = held[trace.storage[step.inputs[reads[0]]]]
            if trace.operations[step.operation].name == "_to_copy":
                held[out] = weight
                copies.add(out)
                yield step
                continue
            yield step._replace(operation=self._number(step, tuple(reads), weight, copies))

    def _number(self, step: TracedCall, reads: tuple[int, ...], weight: TracedParameter, copies: set[int]) -> int:
        trace = self.whole
        others = [trace.nbytes[value] for i, value in enumerate(step.inputs) if i not in reads]
        copied = trace.storage[step.inputs[reads[0]]] in copies
        unpacked = weight.numel * (2 if copied else weight.itemsize)
        given = max(others, key=lambda amount: sum(trace.amounts[amount]), default=trace.nbytes[step.outputs[0]])
        reading = WeightRead(step.operation, reads, unpacked, copied, given, trace.nbytes[step.outputs[0]])
        return self.numbers.setdefault(reading, len(trace.operations) + len(self.numbers))

    def _operation(self, reading: WeightRead) -> Operation:
        """The operation as it unpacks its weight: the weight itself is not kept for the backward pass."""
        plain = self.whole.operations[reading.operation]
        saved = {}
        for needs, one in plain.saved.items():
            kept = [i for i in one.inputs if i not in reading.positions]
            if self.kind == "int8" and one.needing:
                kept = sorted({*kept, *(i for i in range(needs.bit_length()) if needs >> i & 1)})
            saved[needs] = one._replace(inputs=tuple(kept))
        old = [self.amounts[amount] for amount in plain.copies] if plain.copies else [Amount(0)] * 2
        new = self._forward_copy(reading), Amount(reading.unpacked)
        forward, back = (self._add(_sum(a, b)) for a, b in zip(old, new, strict=True))
        return replace(plain, saved=saved, copies=(forward, back))

    def _forward_copy(self, reading: WeightRead) -> Amount:
        """What the forward pass makes for a moment: the weight unpacked, or the input in int8 and the product in int32
        (of numbers of four bytes; of half precision that is as much as two of them)."""
        if self.kind == "nf4":
            return Amount(0 if reading.copied else reading.unpacked)
        given, made = self.whole.amounts[reading.given], self.whole.amounts[reading.made]
        return Amount(*(x // 4 + y for x, y in zip(given, made, strict=True)))

    def _add(self, amount: Amount) -> int:
        self.amounts.append(amount)
        return len(self.amounts) - 1


def _sum(one: Amount, two: Amount) -> Amount:
    return Amount(*(a + b for a, b in zip(one, two, strict=True)))


def _note(kind: str) -> str:
    notes: Mapping[str, str] = {
        "nf4": say(
            "what bitsandbytes' kernels take beyond a layer's weight unpacked for a moment: a base in 4 bits is priced "
            "by its layout, not followed"
        ),
        "int8": say(
            "what bitsandbytes' kernels take for outliers: a base in 8 bits is priced by its layout, not followed"
        ),
    }
    return notes[kind]
