# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for m in model.modules():
    if len(list(m.children())) == 0 and isinstance(m, nn.Conv2d) and m.out_channels >= 256:
        m.requires_grad_(False)
