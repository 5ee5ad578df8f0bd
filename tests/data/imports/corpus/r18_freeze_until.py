# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
def freeze_until(net, name):
    found = False
    for n, p in net.named_parameters():
        if n == name:
            found = True
        p.requires_grad = found
freeze_until(model, 'layer4.0.conv1.weight')
