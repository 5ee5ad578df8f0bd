"""The tracer: one training step followed on fake tensors, so that any mask can be priced without torch.

record    one forward pass and its loss, call by call
probing   what autograd keeps for one call, for each set of inputs that need a gradient
join      two batch sizes, and train and eval mode, made into one list of steps
build     all of it, as a `freezecore._trace.Trace`
"""

from __future__ import annotations

from freezecore.runtime.trace.trace_model import complete, fill, trace_batch, trace_module, trace_shapes, trace_source

__all__ = ["complete", "fill", "trace_batch", "trace_module", "trace_shapes", "trace_source"]
