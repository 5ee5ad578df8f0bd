# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
ema = {}
for n, p in model.named_parameters():
    ema[n] = p.data.clone()
for n, p in model.named_parameters():
    if n in ema and n.startswith('bn1'):
        p.requires_grad = False
