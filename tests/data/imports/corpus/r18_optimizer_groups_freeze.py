# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
opt = torch.optim.SGD([{'params': model.layer1.parameters()}, {'params': model.fc.parameters()}], lr=0.1)
for p in opt.param_groups[0]['params']:
    p.requires_grad_(False)
