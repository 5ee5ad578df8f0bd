# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for n, p in model.named_parameters():
    if n.lower().replace('layer', 'L').count('L1') or n.upper().endswith('BN1.BIAS'):
        p.requires_grad = False
