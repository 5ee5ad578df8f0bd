"""Choose which layers of a model to freeze: see what it costs, try it, prove it, take the code away.

A name is imported when it is first asked for, so that `import freezecore` costs next to nothing.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        ProofCallback,
        apply,
        compare,
        proof,
        read_tree,
        run_find,
        run_probe,
        run_suggest,
        run_sweep,
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
    "ProofCallback",
    "Workload",
    "apply",
    "compare",
    "estimate",
    "export",
    "presets",
    "proof",
    "read_tree",
    "resolve",
    "review",
    "run_find",
    "run_probe",
    "run_suggest",
    "run_sweep",
    "save",
    "shortest_rules",
    "trace",
    "trainable_parameters",
    "unfreezing",
]

_HOMES = {
    "errors": ("FreezeError",),
    "estimate": ("Estimate", "estimate"),
    "export": ("export",),
    "mask": ("Mask",),
    "presets": ("presets",),
    "probe": ("ProbeRequest", "ProbeResult"),
    "resolve": ("resolve",),
    "review": ("review",),
    "rules.shortest": ("shortest_rules",),
    "source": ("ModelSource",),
    "spec": ("FreezeSpec",),
    "tree": ("LayerTree",),
    "workload": ("Workload",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


class _Package(ModuleType):
    """A verb may share its name with the module that holds it (`fc.estimate`): the attribute is always the verb."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in __all__ or not isinstance(value, ModuleType):  # a submodule binds itself when it is imported
            super().__setattr__(name, value)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'freezecore' has no attribute '{name}'")
    globals()[name] = found = getattr(import_module(f"freezecore.{_HOME_OF.get(name, 'verbs')}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = _Package
