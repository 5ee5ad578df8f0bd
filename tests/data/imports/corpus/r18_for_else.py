# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for name, _ in model.named_children():
    if name == 'classifier':
        break
else:
    model.layer1.requires_grad_(False)
