# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for n, p in sorted(model.named_parameters(), key=lambda kv: kv[1].numel(), reverse=True)[:5]:
    p.requires_grad = False
