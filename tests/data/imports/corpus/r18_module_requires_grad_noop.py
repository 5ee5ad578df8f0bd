# seen: CSCYQJ/MICCAI23-ProtoContra-SFDA issues/18
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
model.layer1.requires_grad = False
for p in model.layer2.parameters():
    p.requires_grad = False
