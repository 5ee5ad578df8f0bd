# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for m in model.modules():
    if isinstance(m, nn.modules.batchnorm._BatchNorm):
        m.weight.requires_grad = False
        m.bias.requires_grad = False
