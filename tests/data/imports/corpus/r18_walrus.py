# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
kids = list(model.children())
while (n := len(kids)) > 5:
    kids.pop().requires_grad_(False)
