"""Choose which layers of a model to freeze: see what it costs, try it, prove it, take the code away."""

from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.probe import ProbeRequest, ProbeResult
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from freezecore.workload import Workload

__all__ = [
    "FreezeError",
    "FreezeSpec",
    "LayerTree",
    "Mask",
    "ModelSource",
    "ProbeRequest",
    "ProbeResult",
    "Workload",
]
