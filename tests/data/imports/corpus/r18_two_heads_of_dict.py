# seen: ours
# model: timm:resnet18
# read: net["backbone"]
import torch.nn as nn
from torchvision.models import resnet18
net = nn.ModuleDict({"backbone": resnet18(), "heads": nn.ModuleList([nn.Linear(1000, 2) for _ in range(3)])})
for name, p in net.named_parameters():
    p.requires_grad = "heads" in name or "backbone.layer4" in name
