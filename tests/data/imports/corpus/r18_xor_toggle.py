# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for p in model.layer1.parameters():
    p.requires_grad = not p.requires_grad
for p in model.layer1[0].parameters():
    p.requires_grad = not p.requires_grad
