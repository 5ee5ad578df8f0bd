# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
budget = 3_000_000
for p in reversed(list(model.parameters())):
    if budget - p.numel() < 0:
        p.requires_grad = False
    else:
        budget -= p.numel()
