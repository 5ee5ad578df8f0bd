# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
from fnmatch import fnmatch
for n, p in model.named_parameters():
    if fnmatch(n, 'layer[12].*.conv*.weight'):
        p.requires_grad = False
