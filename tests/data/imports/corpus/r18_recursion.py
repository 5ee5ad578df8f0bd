# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
def freeze(m, depth):
    if depth == 0:
        m.requires_grad_(False)
        return
    for c in m.children():
        freeze(c, depth - 1)
freeze(model.layer3, 2)
