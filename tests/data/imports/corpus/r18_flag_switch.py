# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
train = False
for name, p in model.named_parameters():
    if name == 'layer3.0.conv1.weight':
        train = True
    p.requires_grad = train
