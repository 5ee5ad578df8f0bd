"""Estimate: what one training step costs under a mask, from a trace; plain arithmetic, a few milliseconds.

Exact, to the byte, against the same step run on fake tensors: weights, buffers, gradients, optimizer state, what
autograd keeps, gradients on their way, and the optimizer's temporaries, each from birth to end. Left out, and said so
in `Estimate.left_out`: what no tensor shows, such as scratch memory inside kernels (convolutions have some), what the
allocator keeps in reserve, the context of a GPU process, and the process itself.
"""

from __future__ import annotations

from freezecore._estimate.budget import CardFit
from freezecore._estimate.cost import AnyEstimate, Estimate, PartialEstimate, PhasePeak, estimate, full_estimate
from freezecore._estimate.curve import CurvePoint, Price, depth_curve, part_prices, prices
from freezecore._estimate.devices import DeviceShare
from freezecore._estimate.difference import Difference
from freezecore._estimate.missing import Pricer, costliest
from freezecore._estimate.moments import Timeline, timeline

__all__ = [
    "AnyEstimate",
    "CardFit",
    "CurvePoint",
    "DeviceShare",
    "Difference",
    "Estimate",
    "PartialEstimate",
    "PhasePeak",
    "Price",
    "Pricer",
    "Timeline",
    "costliest",
    "depth_curve",
    "estimate",
    "full_estimate",
    "part_prices",
    "prices",
    "timeline",
]
