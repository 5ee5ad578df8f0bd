# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
with torch.no_grad():
    for n, p in model.named_parameters():
        if n.startswith('layer1'):
            p.requires_grad_(False)
