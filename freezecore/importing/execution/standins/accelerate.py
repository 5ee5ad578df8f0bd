"""`accelerate`: it hands back what it prepares."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.library import stated
from freezecore.importing.execution.unknown import Unknown


class Accelerator:
    """`Accelerator()`; its loss scaling and its processes are not followed."""

    _fx_settable = True
    is_main_process = is_local_main_process = sync_gradients = True

    def __init__(self, *args, mixed_precision=None, **kwargs) -> None:
        precision = {"fp16": "fp16-autocast", "bf16": "bf16-autocast", "no": "fp32"}
        stated(precision=precision.get(mixed_precision) if isinstance(mixed_precision, str) else None)

    def prepare(self, *args, **kwargs):
        return args[0] if len(args) == 1 else args

    prepare_model = prepare

    def unwrap_model(self, model, *args, **kwargs):
        return model

    def backward(self, *args, **kwargs) -> None:
        now().stepped = True

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return Unknown(f"accelerator.{name}", True)


def other(path: str):
    return None


NAMES = {"accelerate.Accelerator": Accelerator}
MODULES = ("accelerate.utils.x",)
