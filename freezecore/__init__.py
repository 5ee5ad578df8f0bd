"""Choose which layers of a model to freeze: see what it costs, try it, prove it, take the code away.

A name is imported when it is first asked for, so that `import freezecore` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freezecore._estimate import CardFit, DeviceShare, Difference, Estimate, PartialEstimate, Pricer, Timeline
    from freezecore._export import export
    from freezecore._presets import presets
    from freezecore._resolve import resolve
    from freezecore._review import review
    from freezecore.api import (
        ProofCallback,
        apply,
        compare,
        diff,
        estimate,
        fits,
        frozen,
        parameter_groups,
        per_device,
        pricer,
        proof,
        read_tree,
        release,
        run_find,
        run_probe,
        run_suggest,
        run_sweep,
        save,
        show,
        summary,
        timeline,
        trace,
        trainable_parameters,
        unfreezing,
    )
    from freezecore.errors import FreezeError
    from freezecore.mask import Mask
    from freezecore.probe import ProbeRequest, ProbeResult
    from freezecore.rules.shortest import shortest_rules
    from freezecore.source import ModelSource
    from freezecore.spec import FreezeSpec
    from freezecore.tree import LayerTree
    from freezecore.workload import Workload

__version__ = "0.1.0"
__all__ = [
    "CardFit",
    "DeviceShare",
    "Difference",
    "Estimate",
    "FreezeError",
    "FreezeSpec",
    "LayerTree",
    "Mask",
    "ModelSource",
    "PartialEstimate",
    "Pricer",
    "ProbeRequest",
    "ProbeResult",
    "ProofCallback",
    "Timeline",
    "Workload",
    "apply",
    "compare",
    "diff",
    "estimate",
    "export",
    "fits",
    "frozen",
    "parameter_groups",
    "per_device",
    "presets",
    "pricer",
    "proof",
    "read_tree",
    "release",
    "resolve",
    "review",
    "run_find",
    "run_probe",
    "run_suggest",
    "run_sweep",
    "save",
    "shortest_rules",
    "show",
    "summary",
    "timeline",
    "trace",
    "trainable_parameters",
    "unfreezing",
]

_HOMES = {
    "_estimate": ("CardFit", "DeviceShare", "Difference", "Estimate", "PartialEstimate", "Pricer", "Timeline"),
    "_export": ("export",),
    "_presets": ("presets",),
    "_resolve": ("resolve",),
    "_review": ("review",),
    "errors": ("FreezeError",),
    "mask": ("Mask",),
    "probe": ("ProbeRequest", "ProbeResult"),
    "rules.shortest": ("shortest_rules",),
    "source": ("ModelSource",),
    "spec": ("FreezeSpec",),
    "tree": ("LayerTree",),
    "workload": ("Workload",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'freezecore' has no attribute '{name}'")
    globals()[name] = found = getattr(import_module(f"freezecore.{_HOME_OF.get(name, 'api')}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
