# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
from enum import Enum
class Mode(Enum):
    HEAD = 'head'
    FULL = 'full'
mode = Mode('head')
if mode is Mode.HEAD:
    model.requires_grad_(False)
    model.fc.requires_grad_(True)
