# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
names = [n for n, _ in model.named_parameters()]
frozen = names[: len(names) // 2]
for n, p in model.named_parameters():
    p.requires_grad = n not in frozen
