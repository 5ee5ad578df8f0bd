# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
def pick(m):
    for n, p in m.named_parameters():
        if 'downsample' in n:
            yield p
for p in pick(model):
    p.requires_grad = False
