# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for name, m in model.named_modules():
    if name.startswith('layer2') and isinstance(m, nn.Conv2d):
        m.weight.requires_grad = False
