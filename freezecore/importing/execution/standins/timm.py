"""`timm`: its way to build models, and its own helpers that freeze."""

from __future__ import annotations

from freezecore.importing.execution.standins.model import built, remove_classifier
from freezecore.importing.execution.standins.module import Module, kind_of
from freezecore.importing.execution.standins.optim import TorchOptimizer
from freezecore.importing.execution.unknown import Unknown


def create_model(model_name=None, *args, **options):
    root = built(model_name, "timm")
    if options.get("num_classes") == 0 and isinstance(root, Module):
        remove_classifier(root)
    return root


def _switch(root, submodules, value: bool) -> None:
    """timm's rule: the named submodules, or every child; a parameter of the root itself is left as it is."""
    if type(submodules) is Unknown:
        root.requires_grad_(submodules)
        return
    names = [submodules] if isinstance(submodules, str) else list(submodules)
    for part in [root.get_submodule(name) for name in names] or list(root.children()):
        part.requires_grad_(value)


def freeze(root_module, submodules=(), include_bn_running_stats=True) -> None:
    _switch(root_module, submodules, False)


def unfreeze(root_module, submodules=(), include_bn_running_stats=True) -> None:
    _switch(root_module, submodules, True)


def create_optimizer(model_or_params=None, opt="sgd", lr=None, weight_decay=None, *args, **options) -> TorchOptimizer:
    params = model_or_params.parameters() if isinstance(model_or_params, Module) else model_or_params
    if isinstance(model_or_params, Module):
        params = [each for each in params if each._fx_value]
    return TorchOptimizer(params, None, str(opt), lr=lr, weight_decay=weight_decay)


NAMES = {
    "timm.create_model": create_model, "timm.models.create_model": create_model, "timm.utils.freeze": freeze,
    "timm.models.factory.create_model": create_model, "timm.utils.model.freeze": freeze,
    "timm.utils.unfreeze": unfreeze, "timm.utils.model.unfreeze": unfreeze,
    "timm.optim.create_optimizer_v2": create_optimizer,
    "timm.optim.optim_factory.create_optimizer_v2": create_optimizer,
}  # fmt: skip
FOLDERS = "layers|helpers|registry|factory|features|vision_transformer|resnet|efficientnet|convnext|swin_transformer"
OTHER = (
    (r"timm\.(layers|models)\.(.*\.)?[A-Z]\w*", kind_of),
    (
        r"timm\.models\.(?!layers|helpers|registry|factory|features|group_|list_|load_|is_model|model_entry)[a-z]\w*",
        lambda name: lambda *args, **options: create_model(name),
    ),
)
