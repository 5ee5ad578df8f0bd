# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
keep = {'layer4', 'fc'}
for name, child in model.named_children():
    if name in keep:
        continue
    for p in child.parameters():
        p.requires_grad = False
