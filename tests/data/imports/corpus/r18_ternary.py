# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for i, (n, p) in enumerate(model.named_parameters()):
    p.requires_grad = True if i >= 45 else False
