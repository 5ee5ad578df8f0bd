# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for child in list(model.children())[::2]:
    for p in child.parameters():
        p.requires_grad = False
