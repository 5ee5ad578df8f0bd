# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
features = nn.Sequential(*list(model.children())[:-1])
for i, layer in enumerate(features):
    if i in (0, 1, 4):
        layer.requires_grad_(False)
