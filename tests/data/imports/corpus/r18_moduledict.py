# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
parts = nn.ModuleDict({'stem': model.conv1, 'body': model.layer1})
for key in parts:
    if key == 'body':
        parts[key].requires_grad_(False)
