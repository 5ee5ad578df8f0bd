# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
count: int = 0
stats = {'frozen': 0}
for name, p in model.named_parameters():
    if p.dim() == 4:
        p.requires_grad = False
        count += 1
        stats['frozen'] += p.numel()
