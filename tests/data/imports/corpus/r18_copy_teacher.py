# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
import copy
teacher = copy.deepcopy(model)
for p in teacher.parameters():
    p.requires_grad = False
model.layer1.requires_grad_(False)
