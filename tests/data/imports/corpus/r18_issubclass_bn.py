# seen: liguge/Fault-diagnosis-... adabn.py
# model: timm:resnet18
# read: model
import torch
import torch.nn as nn
from torchvision.models import resnet18

def fix_bn(module):
    if issubclass(module.__class__, torch.nn.modules.batchnorm._BatchNorm):
        module.track_running_stats = True
        module.weight.requires_grad = False
        module.bias.requires_grad_(False)

model = resnet18()
model.apply(fix_bn)
