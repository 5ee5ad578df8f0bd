# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
it = iter(model.children())
n = 0
while n < 4:
    part = next(it)
    part.requires_grad_(False)
    n += 1
