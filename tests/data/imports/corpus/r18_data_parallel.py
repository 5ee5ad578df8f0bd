# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
model = nn.DataParallel(model)
for n, p in model.named_parameters():
    if not n.startswith('module.fc'):
        p.requires_grad = False
model = model.module
