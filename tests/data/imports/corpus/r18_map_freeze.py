# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
list(map(lambda p: p.requires_grad_(False), model.parameters()))
list(map(lambda p: p.requires_grad_(True), model.fc.parameters()))
