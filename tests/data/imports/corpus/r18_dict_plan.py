# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
plan = {'conv1': False, 'bn1': False, 'layer1': False, 'layer2': True}
for key, value in plan.items():
    getattr(model, key).requires_grad_(value)
