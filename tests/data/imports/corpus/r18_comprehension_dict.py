# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
table = {n: (i % 2 == 0) for i, (n, _) in enumerate(model.named_parameters())}
[p.requires_grad_(table[n]) for n, p in model.named_parameters()]
