# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for p in model.layer2.parameters(): p.requires_grad = False
print(f'{sum(p.numel() for p in model.parameters() if p.requires_grad):,} train')
for n, p in model.named_parameters():
    print(f'{n:<40}{str(tuple(p.shape)):>20}{p.requires_grad!s:>8}')
