# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
model.conv1.weight.requires_grad = model.bn1.weight.requires_grad = model.bn1.bias.requires_grad = False
