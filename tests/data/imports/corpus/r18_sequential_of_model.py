# seen: ours
# model: timm:resnet18
# read: backbone
import torch.nn as nn
from torchvision.models import resnet18
backbone = resnet18()
model = nn.Sequential(backbone, nn.Linear(1000, 10))
for p in model[0].parameters():
    p.requires_grad = False
for p in list(model.parameters())[-4:]:
    p.requires_grad = True
