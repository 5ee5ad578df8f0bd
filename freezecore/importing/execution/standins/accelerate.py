"""`accelerate`: it hands back what it prepares."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.framework import Partial
from freezecore.importing.execution.standins.library import stated


class Accelerator(Partial):
    """`Accelerator()`; its loss scaling and its processes are not followed."""

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


NAMES = {"accelerate.Accelerator": Accelerator}
