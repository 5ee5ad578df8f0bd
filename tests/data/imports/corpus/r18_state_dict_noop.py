# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
sd = model.state_dict()
for k, val in sd.items():
    val.requires_grad = False
model.bn1.requires_grad_(False)
