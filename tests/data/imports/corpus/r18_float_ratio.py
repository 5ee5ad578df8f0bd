# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
params = list(model.named_parameters())
cut = int(len(params) * 0.6)
for n, p in params[:cut]:
    p.requires_grad = False
