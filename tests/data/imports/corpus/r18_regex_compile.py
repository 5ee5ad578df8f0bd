# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
import re
pattern = re.compile(r'^layer([12])\.\d+\.conv')
for n, p in model.named_parameters():
    m = pattern.match(n)
    if m and int(m.group(1)) == 2:
        p.requires_grad = False
