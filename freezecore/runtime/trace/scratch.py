"""Scratch memory of a CPU's kernels, which no tensor shows: what they take beside arguments and results.

Convolutions: oneDNN copies pictures, weight and result into blocks of 16 channels, one after the other; a kernel has
several moments, of which the largest counts. A picture of at most 3 channels and pictures in channels-last order are
read as they are, of the latter the weight is copied twice. A matrix product (1 x 1, stride 1) of fewer than 16 float32
samples by one thread needs no oneDNN (`ConvParams::use_mkldnn` in aten/src/ATen/native/Convolution.cpp). A depthwise
weight's gradient takes, above 3 x 3 or over a picture smaller than the kernel, buffers for each row of it (over a
sequence four times itself), and in channels-last order a block of 16 x 16 for each channel. That is what the allocator
shows (test_scratch.py), exact but for buffers of some kB.

Batch norm makes its input's gradient twice on its way back (`batch_norm_backward_cpu` in
aten/src/ATen/native/Normalization.cpp, and the template that it calls), and lets the first go.

Everything else is learnt: matrix products in half precision, transposed, 3-d and wide convolutions, and the likes of a
median run for real, on zeros, at one or two samples, and what they take beyond what a trace says is kept. A convolution
in half precision is both: the blocks by rule, the rest learnt. What would take long is not run, see `MOST_FLOPS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch._prims_common import make_channels_last_strides_for, make_contiguous_strides_for

from freezecore._trace import Amount, Scratch
from freezecore.runtime.tensors import tensors_in
from freezecore.runtime.trace.allocator import most_allocated
from freezecore.runtime.trace.batch_pair import Amounts, SignaturePair
from freezecore.runtime.trace.fake import HALF
from freezecore.runtime.trace.probing import OperationProbe, key_of, leaf_of
from freezecore.runtime.trace.signature import Signature, TensorShape

PRODUCTS = ("mm", "addmm", "bmm", "baddbmm")  # in half precision
FOURIER = ("_fft_r2c", "_fft_c2r", "_fft_c2c")
ALWAYS = ("_trilinear", "median", "nanmedian", "kthvalue", "amax", "amin", "prod", "cumprod", *FOURIER)
WIDEST = 14  # side of a kernel that oneDNN's own convolutions take; wav2vec2's has 128
CHANNELS, IMAGE = 16, 3  # of a block; the most channels of a picture that is read as it is
SOME = 8  # samples
MANY = 16  # samples, from which a product's blocks are as large as they get
LARGE = 256  # the same where a sample is one row
MOST_FLOPS, CHEAP_FLOPS = 4e9, 3e8
MOST_BYTES = 256 * 2**20
MEASURED = 4_096


class Moments(NamedTuple):
    """Bytes beyond arguments and results at the moments of a convolution's kernels.

    Attributes:
        forward, data, weight: of the forward step, of the input's gradient, of the weight's.
        weight_bytes: of the weight itself, whose gradient is made last.
    """

    forward: tuple[int, ...]
    data: tuple[int, ...]
    weight: tuple[int, ...]
    weight_bytes: int

    def with_more(self, more: dict[int | None, int]) -> Moments:
        """The same with so much more in the forward step (None), for the input's gradient (1), for the weight's (2)."""

        def raised(way: int | None, part: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(max(0, size + more.get(way, 0)) for size in part)

        return Moments(raised(None, self.forward), raised(1, self.data), raised(2, self.weight), self.weight_bytes)

    def of(self, needs: int | None) -> tuple[int, ...]:
        """Of the backward step where the inputs in the bit set `needs` need a gradient; None: of the forward one."""
        if needs is None:
            return self.forward
        if needs == 1:
            return self.data
        kept = self.weight_bytes if needs & 2 else 0  # the weight's gradient is made for a bias alone too, and let go
        for_weight = tuple(size + self.weight_bytes - kept for size in self.weight)
        return (*(max(0, size - kept) for size in self.data), *for_weight) if needs & 1 else for_weight


class KernelScratch:
    """Scratch memory of a trace's operations, as amounts.

    Attributes:
        not_learnt: names of operations that would have taken long.
    """

    def __init__(self, amounts: Amounts, batch_sizes: tuple[int, ...]) -> None:
        self.amounts, self.batch_sizes = amounts, batch_sizes
        self.not_learnt: set[str] = set()

    def __call__(self, pair: SignaturePair, flops: Amount, needs: int | None = None, received: int = 0) -> Scratch:
        """Of the forward step, or of the backward one, for gradients of the outputs in the bit set `received`."""
        first = pair[0]
        shapes = first.shapes()
        if first.whole or not shapes or shapes[0].device.type != "cpu":
            return ()
        half = shapes[0].dtype in HALF
        if first.name == "convolution":
            return self._convolution(pair, flops, needs) if half or shapes[0].dtype == torch.float32 else ()
        if first.name == "native_batch_norm":
            sizes = [_bytes(signature.shapes()[0]) for signature in pair[: len(self.batch_sizes)]]
            return ((self._amount(*sizes),),) if (needs or 0) & 1 and _dense(shapes[0]) else ()
        if first.name == "addmm":
            needs = needs if needs is None else needs & ~1
        if needs == 0:
            return ()
        if first.name in PRODUCTS and half:
            return self._saturated(pair, flops, needs, received)
        return self._line(pair, flops, needs, received) if first.name in ALWAYS else ()

    def _convolution(self, pair: SignaturePair, flops: Amount, needs: int | None) -> Scratch:
        """The blocks by rule, in half precision with what is learnt at two samples; without a rule the line learnt."""
        asked = [way for way, of in ((None, needs is None), (1, (needs or 0) & 1), (2, (needs or 0) & 6)) if of]
        if not _by_rule(pair[0]):
            line = {way: self._sizes(pair, flops, way) for way in asked}
            none = Moments((0,), (0,), (0,), _bytes(pair[0].shapes()[1]))
            ruled = [none.with_more({way: line[way][at] for way in asked}) for at in range(len(self.batch_sizes))]
        else:
            ruled = [moments(signature) for signature in pair[: len(self.batch_sizes)]]
        if _by_rule(pair[0]) and pair[0].shapes()[0].dtype in HALF:
            two = moments(self._at(pair, 2))
            learnt = {way: self._learnt(pair, 2, flops, way, 1) for way in asked}
            more = {way: found - max(two.of(way)) for way, found in learnt.items() if found is not None}
            ruled = [each.with_more(more) for each in ruled]
        return (tuple(self._amount(*sizes) for sizes in zip(*(each.of(needs) for each in ruled), strict=True)),)

    def _saturated(self, pair: SignaturePair, flops: Amount, needs: int | None, received: int) -> Scratch:
        """Of a product, whose blocks grow with the samples up to a size."""
        two = self._learnt(pair, 2, flops, needs, received)
        if two is None:
            return ()
        if flops.at(MANY) > CHEAP_FLOPS or len(self.batch_sizes) == 1:
            return ((self.amounts(*[two] * len(self.batch_sizes)),),) if two else ()
        many = LARGE if flops.at(LARGE) <= CHEAP_FLOPS else MANY
        most = max(two, self._learnt(pair, many, flops, needs, received) or 0)
        if not most:
            return ()
        line = self._line(pair, flops, needs, received) if two else self._lines_of_many(pair, flops, needs, received)
        return (*line, (self.amounts(most, most),))

    def _lines_of_many(self, pair: SignaturePair, flops: Amount, needs: int | None, received: int) -> Scratch:
        """Of a product with one row a sample, for which a few samples are too little for its blocks: up to `SOME`
        samples on the line from none, since an amount cannot begin later."""
        few, some, more = (
            self._learnt(pair, samples, flops, needs, received) or 0 for samples in (SOME, MANY, 2 * MANY)
        )
        each, slope = few // SOME, max(0, more - some) // MANY
        begins = ((self.amounts(*(each * size for size in self.batch_sizes)),),) if each else ()
        sizes = [max(0, some + slope * (size - MANY)) for size in self.batch_sizes]
        return (*begins, (self._amount(*sizes),))

    def _line(self, pair: SignaturePair, flops: Amount, needs: int | None, received: int) -> Scratch:
        sizes = self._sizes(pair, flops, needs, received)
        return ((self._amount(*sizes),),) if any(sizes) else ()

    def _sizes(self, pair: SignaturePair, flops: Amount, needs: int | None, received: int = 1) -> list[int]:
        """At each batch size, on the line through one sample and two; nothing where it would take long."""
        one, two = (self._learnt(pair, samples, flops, needs, received) for samples in (1, 2))
        slope = min(max(0, (two or 0) - (one or 0)), (two or 0) // 2)
        return [(two or 0) + slope * (size - 2) for size in self.batch_sizes]

    def _amount(self, *sizes: int) -> int:
        """An amount near these sizes that is one: nothing at no sample, or more."""
        if len(sizes) == 1:
            return self.amounts(*sizes)
        (low, high), (one, two) = self.batch_sizes, sizes
        slope = min(max(0, two - one) // (high - low), one // low)
        return self.amounts(one, one + slope * (high - low))

    def _at(self, pair: SignaturePair, samples: int) -> Signature:
        if len(self.batch_sizes) == 1:
            return pair[0]
        low, high = self.batch_sizes

        def between(one: int, two: int) -> int:
            return one + (two - one) * (samples - low) // (high - low)

        return replace(pair[0], arguments=_joined(pair[0].arguments, pair[1].arguments, between))

    def _learnt(self, pair: SignaturePair, samples: int, flops: Amount, needs: int | None, received: int) -> int | None:
        """What the kernel takes beyond what a trace says; None where it would take long."""
        signature = self._at(pair, samples)
        if flops.at(samples) > MOST_FLOPS or sum(map(_bytes, signature.shapes())) > MOST_BYTES:
            self.not_learnt.add(signature.name)
            return None
        return _measured(signature, needs, received)


def moments(signature: Signature) -> Moments:
    """The moments of a convolution, by rule; with the copy that is made first of an input that lies with gaps, as a
    slice does, or over a sequence otherwise than row by row.

    `_convolution` and its backward step make it (aten/src/ATen/native/Convolution.cpp); a permuted 3d input takes no
    way through NHWC.
    """
    given = signature.arguments[0][0]
    if _dense(given):
        return _moments(signature)
    by = (make_channels_last_strides_for if _channels_last(given) else make_contiguous_strides_for)(given.size)
    settings = (replace(given, stride=by), *signature.arguments[0][1:])
    found = _moments(replace(signature, arguments=(settings, *signature.arguments[1:])))
    return found.with_more(dict.fromkeys((None, 1, 2), _bytes(given)))


def _moments(signature: Signature) -> Moments:
    given, weight, _, stride, *_, groups = signature.arguments[0]
    samples, channels, *picture = given.size
    outputs, half = weight.size[0], given.dtype in HALF
    x, w = _bytes(given), _bytes(weight)
    kernel, strided = math.prod(weight.size[2:]), max(stride) > 1
    depthwise, widest = 1 < groups == channels == outputs, max(weight.size[2:])
    wide = widest > 3 or len(picture) > 1 and min(picture) < widest
    product = groups == 1 and kernel == 1 and not strided
    if product and not half and samples < MANY and torch.get_num_threads() == 1:
        return Moments((0,), (0,), (0,), w)
    if _channels_last(given) or math.prod(picture) == 1 and product:
        again = 1 if depthwise or product else 2
        gradient = w * CHANNELS**2 * (3 if half else 1) if depthwise and wide else w * again
        return Moments((again * w,), (again * w,), (w + gradient,), w)
    y = samples * outputs * math.prod(_picture_of_result(signature)) * given.dtype.itemsize
    blocks_x, blocks_w, blocks_y = x, w, y
    if groups == 1 or depthwise:
        padded = _blocks(outputs)
        blocks_x, blocks_y = x * _blocks(channels) // channels, y * padded // outputs
        blocks_w = w * padded // outputs * (1 if depthwise else _blocks(channels)) // (1 if depthwise else channels)
        if groups == 1 and channels <= IMAGE:
            blocks_x, blocks_w = 0, w * padded // outputs
    for_weight = blocks_x + blocks_y + blocks_w * (3 if half else 1) - w, blocks_w
    if depthwise and wide:
        for_weight = blocks_w * (math.isqrt(kernel) + 1), 0
    if depthwise and len(picture) == 1:
        for_weight = blocks_w * 4, 0
    return Moments(
        (blocks_x + blocks_w + blocks_y - y, blocks_y),
        (
            blocks_y + blocks_w + max(0, blocks_x - x),
            blocks_x + (x if strided and (groups == 1 or half and depthwise) else 0),
        ),
        for_weight,
        w,
    )


def _by_rule(convolution: Signature) -> bool:
    """Whether it is neither transposed nor over three dimensions, nor of a kernel that oneDNN's own do not take."""
    given, weight, *_, transposed, _, groups = convolution.arguments[0]
    narrow = max(weight.size[2:]) <= WIDEST or groups == given.size[1]
    return narrow and not transposed and 3 <= len(given.size) <= 4


def _blocks(channels: int) -> int:
    return -(-channels // CHANNELS) * CHANNELS


def _bytes(shape: TensorShape) -> int:
    return shape.dtype.itemsize * math.prod(shape.size)


def _channels_last(pictures: TensorShape) -> bool:
    """What torch takes for channels-last, pictures of one pixel included (c10::is_channels_last_strides_2d)."""
    if len(pictures.size) != 4:
        return False
    least = 0
    for at in (1, 3, 2, 0):
        size, stride = pictures.size[at], pictures.stride[at]
        if stride < max(least, 1) or at == 0 and least == pictures.stride[1]:
            return False
        least = stride * size
    return True


def _dense(shape: TensorShape) -> bool:
    """Whether it lies plainly or in channels-last order, without gaps."""
    orders = [make_contiguous_strides_for(shape.size)]
    if len(shape.size) in (4, 5):
        orders.append(make_channels_last_strides_for(shape.size))
    return any(
        all(size == 1 or own == by for size, own, by in zip(shape.size, shape.stride, order, strict=True))
        for order in orders
    )


def _picture_of_result(signature: Signature) -> list[int]:
    given, weight, _, *settings = signature.arguments[0][:6]
    sides = len(given.size) - 2  # `padding="valid"` is said once for all of them
    stride, padding, dilation = (each * sides if len(each) == 1 else each for each in settings)
    each = zip(given.size[2:], weight.size[2:], stride, padding, dilation, strict=True)
    return [(size + 2 * pad - by * (kernel - 1) - 1) // step + 1 for size, kernel, step, pad, by in each]


def _joined(one: Any, two: Any, between: Callable[[int, int], int]) -> Any:
    """Arguments at another batch size, from those at two."""
    if one == two:
        return one
    if isinstance(one, TensorShape):
        size, stride = (tuple(map(between, *pair)) for pair in ((one.size, two.size), (one.stride, two.stride)))
        return replace(one, size=size, stride=stride)
    if isinstance(one, tuple):
        return tuple(_joined(first, second, between) for first, second in zip(one, two, strict=True))
    return between(one, two)


@lru_cache(MEASURED)
def _measured(signature: Signature, needs: int | None, received: int) -> int:
    """Bytes that the real kernel takes beyond what a trace says of it."""
    leaves = [leaf_of(shape, (needs or 0) >> i & 1, "cpu") for i, shape in enumerate(signature.shapes())]
    for leaf in leaves:
        leaf.detach().zero_()
    args, kwargs = signature.rebuilt(leaves)
    known = set(map(key_of, leaves))
    if needs is None:
        with torch.no_grad():
            result, most = most_allocated(lambda: signature.function(*args, **kwargs))
        made = {key_of(t): t.untyped_storage().nbytes() for t in tensors_in(result) if key_of(t) not in known}
        return max(0, most - sum(made.values()))
    with torch.enable_grad():
        outputs = tensors_in(signature.function(*args, **kwargs))
    node: Any = next(output.grad_fn for output in outputs if output.requires_grad)
    gradients = [torch.zeros_like(output) if received >> i & 1 else None for i, output in enumerate(outputs)]
    with torch.no_grad():
        _, most = most_allocated(lambda: node(*gradients[: len(node._input_metadata)]))
    return max(0, most - OperationProbe(signature, needs).backward(received).extra)
