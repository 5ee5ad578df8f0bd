# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
seen = 0
def freeze(m):
    global seen
    seen += 1
    if seen <= 3:
        m.requires_grad_(False)
for child in model.children():
    freeze(child)
