# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
model.layer1[0].requires_grad_(False)
model.layer2[-1].conv1.weight.requires_grad = False
