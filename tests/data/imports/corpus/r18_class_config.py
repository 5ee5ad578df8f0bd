# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
class CFG:
    model_name = 'resnet18'
    freeze_until = 'layer3'
reached = False
for name, child in model.named_children():
    if name == CFG.freeze_until:
        reached = True
    if not reached:
        for p in child.parameters():
            p.requires_grad = False
