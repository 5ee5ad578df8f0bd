# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
for m, flag in zip([model.layer1, model.layer2, model.layer3], [False, True, False]):
    for p in m.parameters():
        p.requires_grad = flag
