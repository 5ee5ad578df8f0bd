# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for n, p in model.named_parameters():
    if len(p.shape) == 4 and p.shape[-1] == 3:
        p.requires_grad = False
