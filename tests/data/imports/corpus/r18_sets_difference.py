# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
all_ = set(dict(model.named_parameters()))
head = {'fc.weight', 'fc.bias'}
lookup = dict(model.named_parameters())
for n in all_ - head:
    lookup[n].requires_grad = False
