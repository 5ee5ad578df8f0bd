# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
blocks = nn.ModuleList()
for stage in (model.layer1, model.layer2):
    blocks.extend(stage)
for block in blocks[1:3]:
    block.requires_grad_(False)
