# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
schedule = {0: ['fc'], 2: ['layer4'], 4: ['layer3', 'layer2']}
model.requires_grad_(False)
for epoch in range(5):
    for name in schedule.get(epoch, []):
        getattr(model, name).requires_grad_(True)
