# seen: public code search: unfreeze_norm_layers(model) by a tuple of classes
# model: timm:resnet18
# read: model
import importlib
import torch.nn as nn


def freeze_module(module: nn.Module):
    for param in module.parameters():
        param.requires_grad = False
    return module


def unfreeze_module(module):
    for param in module.parameters():
        param.requires_grad = True
    return module


def unfreeze_norm_layers(model: nn.Module):
    norm_types = (
        nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm,
        nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.SyncBatchNorm,
    )
    for module in model.modules():
        if isinstance(module, norm_types):
            unfreeze_module(module)
    return model


model = unfreeze_norm_layers(freeze_module(model))
unfreeze_module(model.get_classifier())
