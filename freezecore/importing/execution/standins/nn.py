"""`torch.nn`: classes of modules with the shapes of what they hold, containers, and wrappers."""

from __future__ import annotations

import re

from freezecore.importing.execution.standins.module import MAKERS, Kind, Module, Parameter, Tensor, kind_of

NOTHING_INSIDE = re.compile(
    r"(Adaptive|Avg|Max|Lp|Fractional)\w*Pool\w*|\w*Pool(ing)?\d?d?|\w*Dropout\w*|\w*Loss|\w*Pad\d?d?|Upsampl\w*|"
    r"Upsample|Identity|Flatten|Unflatten|Pixel\w*|Fold|Unfold|Threshold|CosineSimilarity|\w*Shuffle|Module\w*Dict|"
    r"(?!P)\w*(ReLU\d?|ELU|GELU|SELU|CELU|SiLU|Mish|Sigmoid|Tanh|Softmax\w*|Softmin|Softplus|Softsign|GLU|Hardswish|"
    r"[sS]hrink|LogSoftmax|Hardtanh)"
)


def weights(**shapes):
    return {name: Parameter(Tensor(shape if shape and all(type(n) is int for n in shape) else None))
            for name, shape in shapes.items()}  # fmt: skip


def linear(module, in_features=None, out_features=None, bias=True, *args, **kwargs) -> None:
    module._parameters.update(weights(weight=(out_features, in_features), bias=(out_features,)))
    _without(module, bias)


def conv(module, in_channels=None, out_channels=None, kernel_size=1, *args, bias=True, groups=1, **kwargs) -> None:
    module._parameters.update(weights(weight=(out_channels, in_channels, None), bias=(out_channels,)))
    _without(module, bias)


def norm(module, num_features=None, *args, affine=True, elementwise_affine=True, **kwargs) -> None:
    shape = num_features if isinstance(num_features, (tuple, list)) else (num_features,)
    module._parameters.update(weights(weight=tuple(shape), bias=tuple(shape)))
    if affine is False or elementwise_affine is False:
        module._parameters.update(weight=None, bias=None)


def embedding(module, num_embeddings=None, embedding_dim=None, *args, **kwargs) -> None:
    module._parameters.update(weights(weight=(num_embeddings, embedding_dim)))


def other_weights(module, *args, **kwargs) -> None:
    module._parameters.update(weights(weight=None))


def container(module, *children, **kwargs) -> None:
    listed = children[0] if len(children) == 1 and not isinstance(children[0], Module) else children
    if hasattr(listed, "_fx_path") and not isinstance(listed, Module):
        return
    pairs = listed.items() if isinstance(listed, (dict, Module)) else enumerate(listed)
    for name, child in pairs:
        module._fx_put(str(name), child)


def _without(module, bias) -> None:
    if bias is False:
        module._parameters["bias"] = None


KNOWN = {
    "Linear": linear, "LazyLinear": lambda module, out=None, **kw: linear(module, None, out), "Embedding": embedding,
    "Sequential": container, "ModuleList": container, "ModuleDict": container, "LayerNorm": norm, "RMSNorm": norm,
    "GroupNorm": lambda module, groups=None, channels=None, **kw: norm(module, channels),
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d", "ConvTranspose2d", "ConvTranspose1d"), conv),
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"), norm),
}  # fmt: skip
BATCH_NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")


class DataParallel(Module):
    """Wrappers that hold the model as `module`."""

    def __init__(self, module=None, *args, **kwargs) -> None:
        self._fx_put("module", module)


def other(path: str):
    last = path.rpartition(".")[2]
    if not last[:1].isupper() and not last.startswith("_") or ".functional." in path or ".init." in path:
        return None
    if last not in KNOWN:
        name = f"nn.{last}"
        MAKERS.setdefault(name, (lambda *a, **k: None) if NOTHING_INSIDE.fullmatch(last) else other_weights)
    bases = (f"nn.{last}", "nn._BatchNorm", "nn._NormBase") if last in BATCH_NORMS else ()
    return kind_of(f"nn.{last}", bases)


MAKERS.update({f"nn.{name}": maker for name, maker in KNOWN.items()})
NAMES = {
    "torch.nn.Module": Module, "torch.nn.modules.module.Module": Module, "torch.nn.Parameter": Parameter,
    "torch.nn.parameter.Parameter": Parameter, "torch.nn.DataParallel": DataParallel,
    "torch.nn.parallel.DistributedDataParallel": DataParallel, "torch.nn.parallel.DataParallel": DataParallel,
}  # fmt: skip
MODULES = ("torch.nn.modules.batchnorm.x", "torch.nn.modules.conv.x", "torch.nn.modules.linear.x", "torch.nn.utils.x",
           "torch.nn.modules.dropout.x", "torch.nn.modules.normalization.x", "torch.nn.functional.x", "torch.nn.init.x",
           "torch.nn.modules.activation.x", "torch.nn.modules.container.x", "torch.nn.modules.sparse.x",
           "torch.nn.modules.pooling.x", "torch.nn.modules.loss.x", "torch.nn.parallel.x")  # fmt: skip
__all__ = ["Kind", "NAMES", "other"]
