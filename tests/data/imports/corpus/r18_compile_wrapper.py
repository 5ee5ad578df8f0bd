# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for p in model.parameters():
    p.requires_grad = False
model.fc = nn.Linear(512, 7)
model = model.to('cpu')
