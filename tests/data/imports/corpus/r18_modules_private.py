# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for name, module in model._modules.items():
    if name != 'fc':
        for p in module.parameters():
            p.requires_grad = False
