"""`torch.nn`: classes of modules with the shapes of what they hold, containers, and wrappers."""

from __future__ import annotations

import re

from freezecore.importing.execution.standins.module import MAKERS, Module, Tensor, TorchParameter, kind_of

NOTHING_INSIDE = re.compile(
    r"(Adaptive|Avg|Max|Lp|Fractional)\w*Pool\w*|\w*Pool(ing)?\d?d?|\w*Dropout\w*|\w*Loss|\w*Pad\d?d?|Upsampl\w*|"
    r"Upsample|Identity|Flatten|Unflatten|Pixel\w*|Fold|Unfold|Threshold|CosineSimilarity|\w*Shuffle|Module\w*Dict|"
    r"(?!P)\w*(ReLU\d?|ELU|GELU|SELU|CELU|SiLU|Mish|Sigmoid|Tanh|Softmax\w*|Softmin|Softplus|Softsign|GLU|Hardswish|"
    r"[sS]hrink|LogSoftmax|Hardtanh)"
)


def _put(module, biased=True, **shapes) -> None:
    """Parameters of these shapes; a size that is not a number is not known."""
    for name, shape in shapes.items():
        known = bool(shape) and all(type(size) is int for size in shape)
        module._parameters[name] = TorchParameter(Tensor(shape if known else None))
    if biased is False:
        module._parameters["bias"] = None


def linear(module, in_features=None, out_features=None, bias=True, *args, **kwargs) -> None:
    _put(module, bias, weight=(out_features, in_features), bias=(out_features,))


def conv(module, in_channels=None, out_channels=None, kernel_size=1, *args, bias=True, groups=1, **kwargs) -> None:
    _put(module, bias, weight=(out_channels, in_channels, None), bias=(out_channels,))


def norm(module, num_features=None, *args, affine=True, elementwise_affine=True, **kwargs) -> None:
    shape = tuple(num_features) if isinstance(num_features, (tuple, list)) else (num_features,)
    _put(module, weight=shape, bias=shape)
    if affine is False or elementwise_affine is False:
        module._parameters.update(weight=None, bias=None)


def container(module, *children, **kwargs) -> None:
    listed = children[0] if len(children) == 1 and not isinstance(children[0], Module) else children
    if hasattr(listed, "_fx_path") and not isinstance(listed, Module):
        return
    for name, child in listed.items() if isinstance(listed, (dict, Module)) else enumerate(listed):
        module._fx_put(str(name), child)


class DataParallel(Module):
    """Wrappers that hold the model as `module`."""

    def __init__(self, module=None, *args, **kwargs) -> None:
        self._fx_put("module", module)


NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")
MAKERS.update({f"nn.{name}": make for make, names in (
    (linear, ("Linear",)), (container, ("Sequential", "ModuleList", "ModuleDict")),
    (norm, ("LayerNorm", "RMSNorm", *NORMS)),
    (conv, ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose2d", "ConvTranspose1d")),
    (lambda module, rows=None, size=None, *a, **k: _put(module, weight=(rows, size)), ("Embedding",)),
    (lambda module, out=None, **k: linear(module, None, out), ("LazyLinear",)),
    (lambda module, groups=None, channels=None, **k: norm(module, channels), ("GroupNorm",)),
) for name in names})  # fmt: skip


def module_class(name: str):
    """A class of torch's modules; one that is not listed holds nothing, or a weight of unknown shape."""
    MAKERS.setdefault(f"nn.{name}", lambda *a, **k: None if NOTHING_INSIDE.fullmatch(name) else _put(a[0], weight=None))
    return kind_of(f"nn.{name}", (f"nn.{name}", "nn._BatchNorm", "nn._NormBase") if name in NORMS else ())


NAMES = {f"torch.nn.{path}": made for path, made in (
    ("Module", Module), ("modules.module.Module", Module), ("Parameter", TorchParameter),
    ("parameter.Parameter", TorchParameter), ("DataParallel", DataParallel),
    ("parallel.DistributedDataParallel", DataParallel), ("parallel.DataParallel", DataParallel))}  # fmt: skip
OTHER = ((r"torch\.nn\.(?!functional|init)(.*\.)?_?[A-Z]\w*", module_class),)
