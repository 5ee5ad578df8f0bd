"""Choose which layers of a model to freeze: see what it costs, try it, prove it, take the code away."""

from freezecore.errors import FreezeError
from freezecore.estimate import Estimate, estimate
from freezecore.export import export
from freezecore.mask import Mask
from freezecore.presets import presets
from freezecore.probe import ProbeRequest, ProbeResult
from freezecore.resolve import resolve
from freezecore.review import review
from freezecore.rules.shortest import shortest_rules
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from freezecore.verbs import (
    apply,
    compare,
    proof,
    proof_callback,
    read_tree,
    run_probe,
    save,
    trace,
    trainable_parameters,
    unfreezing,
)
from freezecore.workload import Workload

__all__ = [
    "Estimate",
    "FreezeError",
    "FreezeSpec",
    "LayerTree",
    "Mask",
    "ModelSource",
    "ProbeRequest",
    "ProbeResult",
    "Workload",
    "apply",
    "compare",
    "estimate",
    "export",
    "presets",
    "proof",
    "proof_callback",
    "read_tree",
    "resolve",
    "review",
    "run_probe",
    "save",
    "shortest_rules",
    "trace",
    "trainable_parameters",
    "unfreezing",
]
