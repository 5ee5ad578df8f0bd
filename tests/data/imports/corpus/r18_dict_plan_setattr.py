# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
plan = dict(layer1=False, layer2=False)
for key in plan:
    for p in getattr(model, key).parameters():
        setattr(p, 'requires_grad', plan[key])
