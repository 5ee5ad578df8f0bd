# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for name in ['classifier', 'head', 'fc']:
    try:
        part = getattr(model, name)
    except AttributeError:
        continue
    model.requires_grad_(False)
    part.requires_grad_(True)
    break
