# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
class Freezer:
    done = 0
    def __call__(self, part):
        self.done += 1
        for p in part.parameters():
            p.requires_grad = self.done > 2
f = Freezer()
for name in ['layer1', 'layer2', 'layer3', 'layer4']:
    f(getattr(model, name))
