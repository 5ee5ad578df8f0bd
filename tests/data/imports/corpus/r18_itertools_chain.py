# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
import itertools
for p in itertools.chain(model.conv1.parameters(), model.bn1.parameters(), model.layer1.parameters()):
    p.requires_grad_(False)
