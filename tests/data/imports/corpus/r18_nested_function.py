# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
def outer(m):
    def inner(part, value):
        for p in part.parameters():
            p.requires_grad = value
    inner(m, False)
    inner(m.layer4[1], True)
    return m
outer(model)
