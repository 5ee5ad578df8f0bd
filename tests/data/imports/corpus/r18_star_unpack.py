# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
first, *middle, last = model.children()
for m in middle[:3]:
    m.requires_grad_(False)
first.requires_grad_(False)
