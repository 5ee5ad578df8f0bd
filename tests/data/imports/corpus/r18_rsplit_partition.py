# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for n, p in model.named_parameters():
    owner, _, kind = n.rpartition('.')
    if kind == 'bias' or owner.rsplit('.', 1)[-1].startswith('bn'):
        p.requires_grad = False
