"""The tracer: one training step followed on fake tensors, so that any mask can be priced without torch.

record       one forward pass and its loss, call by call
probing      what autograd saves for one call, for each set of inputs that need a gradient
join_modes   train and eval mode made into one list of steps
tracer       all of it, at two batch sizes, as a `freezecore._trace.Trace`
trace_model  the same for a source, a module, or inputs of a person's own
"""

from __future__ import annotations

from freezecore.runtime.trace.trace_model import (
    fill,
    module_pricer,
    shapes_pricer,
    source_pricer,
    trace_module,
    trace_source,
)

__all__ = ["fill", "module_pricer", "shapes_pricer", "source_pricer", "trace_module", "trace_source"]
