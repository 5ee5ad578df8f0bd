# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
ignored = list(map(id, model.fc.parameters()))
base = filter(lambda p: id(p) not in ignored, model.parameters())
for p in base:
    p.requires_grad = False
