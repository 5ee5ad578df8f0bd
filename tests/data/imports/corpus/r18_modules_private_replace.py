# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for p in model.parameters():
    p.requires_grad = False
model._modules['fc'] = nn.Linear(512, 3)
