"""What CUDA would run, where there is no GPU: torch's own switches are inert without a driver.

Attention: torch asks the driver for the card before it chooses a kernel, and takes the plain formula where there is
none. Its choice stands here instead, by the card's compute capability: after `select_sdp_backend`,
`can_use_flash_attention`, `can_use_mem_efficient_attention` and `can_use_cudnn_attention` (torch,
aten/src/ATen/native/transformers/cuda/sdp_utils.cpp) and what `scaled_dot_product_attention` and `preprocess_mask` do
around the chosen kernel (attention.cpp). These C++ sources do not come with the installed torch and were not at hand:
the rules were written from knowledge of them, and no card has confirmed one (`SDPAParams` on a GPU would). What is held
by tests is that each operation named here exists, takes these arguments and returns these shapes.

Autocast: torch's own runs, with its own lists of operations, once it is told that there is a card.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional as F

aten = torch.ops.aten
FLASH, EFFICIENT, CUDNN, MATH = "flash", "efficient", "cudnn", "math"
HALF = (torch.float16, torch.bfloat16)
MASK_ALIGNMENT = FLASH_ALIGNMENT = 8
Capability = tuple[int, int]


@contextmanager
def as_with_a_card(capability: Capability) -> Iterator[None]:
    """Let torch and the model's code find a card of this compute capability, as far as they ask before they choose."""
    with (
        mock.patch.object(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False),
        mock.patch.object(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True),
        mock.patch.object(torch.cuda, "get_device_capability", lambda device=None: capability),
    ):
        yield


class AttentionCall(NamedTuple):
    """The arguments of `scaled_dot_product_attention`."""

    query: Tensor
    key: Tensor
    value: Tensor
    attn_mask: Tensor | None = None
    dropout_p: float = 0.0
    is_causal: bool = False
    scale: float | None = None
    enable_gqa: bool = False

    @property
    def asks_for_gradients(self) -> bool:
        return torch.is_grad_enabled() and any(t.requires_grad for t in self[:3])


def attention(call: AttentionCall, capability: Capability) -> Tensor:
    """The result of attention, by the operation that torch would choose on such a card."""
    if not torch.is_autocast_enabled("cuda"):
        return _run(call, capability)
    dtype = torch.get_autocast_dtype("cuda")  # autocast casts attention as a whole, and nothing inside it
    query, key, value = (_cast(tensor, dtype) for tensor in call[:3])
    mask = None if call.attn_mask is None else _cast(call.attn_mask, dtype)
    with torch.autocast("cuda", enabled=False):
        return _run(call._replace(query=query, key=key, value=value, attn_mask=mask), capability)


def chosen_kernel(call: AttentionCall, capability: Capability) -> str:
    """The kernel that torch chooses: `cudnn` (first since Hopper), `flash`, `efficient` or `math`."""
    if not _one_layout(call):
        return MATH
    if capability[0] in (9, 10) and _cudnn_takes(call):
        return CUDNN
    if _flash_takes(call, capability):
        return FLASH
    return EFFICIENT if _efficient_takes(call, capability) else MATH


def _one_layout(call: AttentionCall) -> bool:
    """What all fused kernels ask for: four dimensions, whose last lies densely, and heads that go together."""
    tensors = call[:3]
    if any(t.dim() != 4 or not t.size(2) or t.size(0) != call.query.size(0) for t in tensors):
        return False
    if any(t.stride(-1) != 1 for t in (*tensors, *([call.attn_mask] if call.attn_mask is not None else []))):
        return False
    heads, keys, values = (t.size(1) for t in tensors)
    shared = keys == values and (keys == 1 or (call.enable_gqa and heads % keys == 0))
    return len({t.dtype for t in tensors}) == 1 and (heads == keys == values or shared)


def _cudnn_takes(call: AttentionCall) -> bool:
    query, key, value, mask = call[:4]
    sizes = query.size(3), value.size(3)
    return (
        query.dtype in HALF
        and (mask is None or (mask.dim() in (2, 4) and not mask.requires_grad))
        and (call.dropout_p * 16).is_integer()
        and (max(sizes) <= 128 or sizes == (192, 128))
        and not any(size % 8 for size in sizes)
        and key.size(2) != 1
        and not (call.dropout_p and query.size(2) == 1)
    )


def _flash_takes(call: AttentionCall, capability: Capability) -> bool:
    query, key, value = call[:3]
    size = query.size(3)
    limited = (8, 6) <= capability <= (8, 9) or capability >= (12, 0)  # their backward pass takes no large heads
    return (
        call.attn_mask is None
        and capability >= (8, 0)
        and query.dtype in HALF
        and size == key.size(3) == value.size(3) <= 256
        and not (call.is_causal and query.size(2) != key.size(2))
        and not (limited and call.asks_for_gradients and (192 < size <= 224 or (size > 192 and call.dropout_p)))
    )


def _efficient_takes(call: AttentionCall, capability: Capability) -> bool:
    query, key, value = call[:3]
    half = query.dtype in HALF
    alignment = 4 if capability >= (8, 0) else 1
    if capability >= (8, 0) or (capability >= (7, 0) and half):
        alignment = max(alignment, 8 if half else 4)
    dtypes = (torch.float16, torch.float32, *([torch.bfloat16] if capability >= (8, 0) else []))
    return (
        query.dtype in dtypes
        and query.size(3) == key.size(3)
        and not (query.size(3) % alignment or value.size(3) % alignment)
        and not (capability >= (8, 0) and any(t.storage_offset() % alignment for t in call[:3]))
    )


def _run(call: AttentionCall, capability: Capability) -> Tensor:
    query, key, value, mask, dropout, causal, scale, grouped = call
    kernel = chosen_kernel(call, capability)
    if mask is not None and mask.dtype == torch.bool and kernel != MATH:  # the formula does so itself
        mask = torch.where(mask, 0.0, torch.scalar_tensor(-math.inf, dtype=query.dtype, device=mask.device))
    saves = call.asks_for_gradients
    if kernel == CUDNN:
        return aten._scaled_dot_product_cudnn_attention(
            query, key, value, mask, saves, dropout, causal, False, scale=scale
        )[0]
    if kernel == FLASH:
        scale = 1 / math.sqrt(query.size(3)) if scale is None else scale
        padded = [_padded(t, FLASH_ALIGNMENT) for t in call[:3]]
        result = aten._scaled_dot_product_flash_attention(*padded, dropout, causal, False, scale=scale)[0]
        return result if padded[0] is query else result[..., : query.size(3)]
    if kernel == EFFICIENT:
        mask = None if mask is None else _aligned(mask, call)
        return aten._scaled_dot_product_efficient_attention(
            query, key, value, mask, saves, dropout, causal, scale=scale
        )[0]
    return aten._scaled_dot_product_attention_math(
        query, key, value, mask, dropout, causal, None, scale=scale, enable_gqa=grouped
    )[0]


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """As autocast casts an argument."""
    return tensor.to(dtype) if tensor.is_floating_point() and tensor.dtype != torch.float64 else tensor


def _padded(tensor: Tensor, alignment: int) -> Tensor:
    rest = -tensor.size(-1) % alignment
    return F.pad(tensor, (0, rest)) if rest else tensor


def _aligned(mask: Tensor, call: AttentionCall) -> Tensor:
    """The mask as the efficient kernel reads it: rows that begin at multiples of 8, for every head."""
    if mask.stride(-1) != 1 or any(stride % MASK_ALIGNMENT for stride in mask.stride()[:-1]):
        width = mask.size(-1)
        mask = F.pad(mask, (0, MASK_ALIGNMENT - width % MASK_ALIGNMENT))[..., :width]
    return mask.expand(*call.query.shape[:3], call.key.size(2))
