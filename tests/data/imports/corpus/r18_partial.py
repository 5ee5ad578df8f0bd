# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
from functools import partial
def switch(part, value):
    for p in part.parameters():
        p.requires_grad = value
freeze = partial(switch, value=False)
freeze(model.layer1)
freeze(part=model.layer2)
