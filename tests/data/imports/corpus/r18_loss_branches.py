# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
best = 0.0
for p in model.conv1.parameters(): p.requires_grad = False
for epoch in range(2):
    acc = evaluate(model)
    if acc > best:
        best = acc
        torch.save(model.state_dict(), '/tmp/x_never.pt') if False else None
