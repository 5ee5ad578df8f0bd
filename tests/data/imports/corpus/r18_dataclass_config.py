# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
from dataclasses import dataclass, field
@dataclass
class Cfg:
    freeze: list = field(default_factory=lambda: ['layer1', 'layer2'])
    train_bn: bool = True
cfg = Cfg()
for n, p in model.named_parameters():
    if n.split('.')[0] in cfg.freeze and not (cfg.train_bn and 'bn' in n):
        p.requires_grad = False
