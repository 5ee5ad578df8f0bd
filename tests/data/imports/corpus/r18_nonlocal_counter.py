# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
def freezer(limit):
    count = 0
    def step(p):
        nonlocal count
        if count < limit:
            p.requires_grad = False
        count += 1
    return step
step = freezer(20)
for p in model.parameters():
    step(p)
