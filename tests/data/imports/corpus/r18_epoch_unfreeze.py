# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for p in model.parameters():
    p.requires_grad = False
model.fc.requires_grad_(True)
for epoch in range(10):
    if epoch == 5:
        for p in model.layer4.parameters():
            p.requires_grad = True
    for x, y in train_loader:
        pass
