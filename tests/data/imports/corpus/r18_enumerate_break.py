# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for i, child in enumerate(model.children()):
    if i == 5:
        break
    for p in child.parameters():
        p.requires_grad = False
