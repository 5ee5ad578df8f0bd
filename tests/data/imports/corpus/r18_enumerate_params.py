# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
params = list(model.parameters())
for i, p in enumerate(params):
    if i < len(params) - 8:
        p.requires_grad = False
