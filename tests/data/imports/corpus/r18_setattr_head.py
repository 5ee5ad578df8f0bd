# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
model.requires_grad_(False)
setattr(model, 'fc', nn.Sequential(nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 2)))
