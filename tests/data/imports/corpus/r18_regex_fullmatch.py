# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
import re
for n, p in model.named_parameters():
    if re.fullmatch(r'.*\.bn\d\.(weight|bias)', n):
        p.requires_grad = False
