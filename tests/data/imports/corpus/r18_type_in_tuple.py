# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for m in model.modules():
    if type(m) in (nn.BatchNorm2d, nn.Linear):
        continue
    for p in m.parameters(recurse=False):
        p.requires_grad = False
