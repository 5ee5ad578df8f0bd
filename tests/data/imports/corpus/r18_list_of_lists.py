# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
groups = [[model.conv1, model.bn1], [model.layer1], [model.layer2, model.layer3]]
for level, group in enumerate(groups):
    for m in group:
        m.requires_grad_(level > 1)
