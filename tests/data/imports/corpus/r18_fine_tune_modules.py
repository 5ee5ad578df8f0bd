# seen: public code search: freeze_params(model, fine_tune_modules)
# model: timm:resnet18
# read: model
from typing import List
import logging
import torch
import torchvision

def freeze_params(model: torch.nn.Module, fine_tune_modules: List[str]):
    for name, param in model.named_parameters():
        param.requires_grad = False
    for name, param in model.named_parameters():
        for module in fine_tune_modules:
            if name.startswith(module):
                logging.info("train %s", name)
                param.requires_grad = True
                break

model = torchvision.models.resnet18(weights=torchvision.models.ResNet18_Weights.DEFAULT)
freeze_params(model, ["layer4", "fc"])
