# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for path in ('layer4.0', 'layer4.1.conv2'):
    model.get_submodule(path).requires_grad_(False)
