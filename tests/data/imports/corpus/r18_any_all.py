# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for n, p in model.named_parameters():
    if all(k not in n for k in ('layer4', 'fc')):
        p.requires_grad = False
