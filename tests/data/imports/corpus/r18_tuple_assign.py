# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
a, b = model.layer1, model.layer2
a.requires_grad_(False), b.requires_grad_(False)
