# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
import re
for n, p in model.named_parameters():
    short = re.sub(r'\.(weight|bias)$', '', n)
    if short.endswith('conv1'):
        p.requires_grad = False
