# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
stages = [model.layer4, model.layer3, model.layer2]
model.requires_grad_(False)
model.fc.requires_grad_(True)
for epoch in range(6):
    if epoch and epoch % 2 == 0:
        stages.pop(0).requires_grad_(True)
