# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
model.requires_grad_(False)
model.layer4.requires_grad_(True)
model.layer4[0].requires_grad_(False)
model.layer4[0].bn1.requires_grad_(True)
