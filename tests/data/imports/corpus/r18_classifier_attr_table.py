# seen: public code search: freeze_backbone and partial_unfreeze by a table of heads
# model: timm:resnet18
# read: model
import torch.nn as nn
from torchvision import models

_CLASSIFIER_ATTR = {
    "resnet18": "fc",
    "efficientnet_b0": "classifier",
    "mobilenetv3": "classifier",
}


def freeze_backbone(model: nn.Module, model_name: str) -> None:
    classifier_attr = _CLASSIFIER_ATTR[model_name]
    for name, param in model.named_parameters():
        param.requires_grad = name.startswith(classifier_attr)


def partial_unfreeze(model: nn.Module, model_name: str, n_layers: int) -> None:
    freeze_backbone(model, model_name)
    blocks = [child for name, child in model.named_children() if list(child.parameters()) and name != _CLASSIFIER_ATTR[model_name]]
    for block in blocks[-n_layers:]:
        for param in block.parameters():
            param.requires_grad = True


model = models.resnet18()
partial_unfreeze(model, "resnet18", n_layers=2)
