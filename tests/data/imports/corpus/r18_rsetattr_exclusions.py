# seen: public code search: freeze_model(model, exclusions) by dotted path
# model: timm:resnet18
# read: model
import functools
import torch.nn as nn
from typing import List


def get_layer(model: nn.Module, path: str):
    return functools.reduce(getattr, path.split("."), model)


def freeze_model(model: nn.Module, exclusions: List[str] = []) -> None:
    for param in model.parameters():
        param.requires_grad_(False)
    for layer_path in exclusions:
        layer = get_layer(model=model, path=layer_path)
        layer.weight.requires_grad = True
        if hasattr(layer, "bias") and layer.bias is not None:
            layer.bias.requires_grad = True


freeze_model(model, exclusions=["layer4.1.conv2", "layer4.1.bn2", "fc"])
