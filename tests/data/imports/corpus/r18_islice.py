# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
from itertools import islice
for p in islice(model.parameters(), 15):
    p.requires_grad = False
