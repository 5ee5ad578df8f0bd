# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for m in model.modules():
    if isinstance(m, nn.Linear) and m.in_features == 512:
        m.requires_grad_(False)
