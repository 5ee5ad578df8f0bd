# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
from functools import reduce
for path in ['layer1.0.conv1', 'layer2.1.bn2']:
    part = reduce(getattr, path.split('.'), model)
    part.requires_grad_(False)
