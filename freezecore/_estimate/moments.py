"""What a replay notes: the nodes that autograd will come back to, and what is alive at a moment."""

from __future__ import annotations

from typing import NamedTuple

from freezecore._estimate.recompute import Frame
from freezecore._trace import Call

FORWARD, BACKWARD = "forward", "backward"


class Node(NamedTuple):
    """A call that autograd will come back to, with the storages it keeps and bytes of copies kept for it alone.

    Under gradient checkpointing these are not there until its `frame` has run again.
    """

    index: int
    call: Call
    needs: int
    kept: tuple[int, ...]
    copies: int
    frame: Frame | None = None


class Moment(NamedTuple):
    """What is alive at one moment, in bytes, beyond weights, buffers, optimizer state and the batch.

    Attributes:
        activations: made by the forward pass.
        gradients: of parameters, ready for the optimizer.
        flow: gradients on their way, and what a backward step needs for a moment.
        phase: `forward` or `backward`.
        layer: path of the module at work.
        operation: aten's name of the operation at work.
    """

    activations: int
    gradients: int
    flow: int
    phase: str
    layer: str
    operation: str

    @property
    def total(self) -> int:
        return self.activations + self.gradients + self.flow


class Change(NamedTuple):
    """What a walk through a segment changes, relative to where it began.

    Attributes:
        live, bytes, ready: bytes that the forward pass made, of gradients on their way, of parameters' gradients.
        flops: floating-point operations of this pass.
        peak: the most that was alive, its three parts, and the step; None when nothing ran.
        scratch: the most with scratch memory; None without.
    """

    live: int
    bytes: int
    ready: int
    flops: int
    peak: tuple[int, int, int, int, int] | None
    scratch: int | None
