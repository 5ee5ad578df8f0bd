# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
model.fc = nn.Sequential(nn.Linear(512, 64), nn.Linear(64, 2))
for p in model.parameters():
    p.requires_grad = False
for p in model.fc[1].parameters():
    p.requires_grad = True
