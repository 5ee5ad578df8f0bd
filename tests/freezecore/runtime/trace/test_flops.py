"""Work of a convolution's backward pass, held against the same convolution taken apart into dense ones."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from freezecore.runtime.trace.signature import CONVOLUTION_BACKWARD, flops

SHAPES = [  # channels in and out, kernel, stride, groups
    (8, 8, 3, 1, 8),
    (8, 16, 3, 2, 4),
    (6, 6, 1, 1, 3),
    (4, 8, 5, 1, 1),
]


@pytest.mark.parametrize("layer", [nn.Conv2d, nn.ConvTranspose2d])
@pytest.mark.parametrize(("inputs", "outputs", "kernel", "stride", "groups"), SHAPES)
def test_a_grouped_convolution_s_gradients_take_what_its_groups_take_one_by_one(
    layer, inputs, outputs, kernel, stride, groups
):
    whole = layer(inputs, outputs, kernel, stride, groups=groups, bias=False)
    apart = [layer(inputs // groups, outputs // groups, kernel, stride, bias=False) for _ in range(groups)]
    pictures = torch.randn(2, inputs, 12, 12, requires_grad=True)
    out = whole(pictures)
    parts = pictures.chunk(groups, dim=1)
    separate = [one(part) for one, part in zip(apart, parts, strict=True)]
    with FlopCounterMode(display=False) as dense:
        torch.autograd.grad(separate, [*parts, *(one.weight for one in apart)], [torch.ones_like(o) for o in separate])
    arguments = (
        out, pictures, whole.weight, None, whole.stride, whole.padding, whole.dilation,
        layer is nn.ConvTranspose2d, whole.output_padding, groups, (True, True, False),
    )  # fmt: skip
    assert flops(CONVOLUTION_BACKWARD, arguments, {}, None) == dense.get_total_flops()
