"""`torch` beside its `nn` and `optim`."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import nn, optim
from freezecore.importing.execution.standins.library import stated
from freezecore.importing.execution.standins.model import built
from freezecore.importing.execution.standins.module import Tensor
from freezecore.importing.execution.unknown import Unknown


def same(module=None, *args, **kwargs):
    """What gives back the model that it was given; also a decorator."""
    return module if module is not None else same


def hub(repository=None, model=None, *args, **kwargs):
    other = isinstance(repository, str) and not repository.startswith("pytorch/vision")
    return built(model, "" if other else "torchvision")


def loader(dataset=None, batch_size=1, *args, **kwargs) -> Unknown:
    if kwargs.get("shuffle") is not False and batch_size != 1:
        stated(batch_size=batch_size)
    return Unknown("loader", True)


def autocast(*args, **kwargs) -> Unknown:
    kind = kwargs.get("dtype", next((arg for arg in args if type(arg) is Unknown), None))
    name = kind._fx_path if type(kind) is Unknown else "torch.float16"
    stated(precision="bf16-autocast" if "bfloat16" in name else "fp16-autocast")
    return Unknown("autocast", True)


def stepping(*args, **kwargs) -> None:
    now().stepped = True


NAMES = {
    "torch.compile": same, "torch.jit.script": same, "torch.Tensor": Tensor, "torch.hub.load": hub,
    "torch.nn.SyncBatchNorm.convert_sync_batchnorm": same, "torch.utils.data.DataLoader": loader,
    "torch.autocast": autocast, "torch.cuda.amp.autocast": autocast, "torch.amp.autocast": autocast,
    "torch.autograd.backward": stepping, **nn.NAMES, **optim.NAMES,
}  # fmt: skip
OTHER = (*nn.OTHER, *optim.OTHER)
