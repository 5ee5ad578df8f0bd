# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for m in model.modules():
    if hasattr(m, 'bias') and m.bias is not None:
        m.bias.requires_grad = False
