# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
frozen = filter(lambda kv: kv[0].startswith(('conv1', 'bn1', 'layer1')), model.named_parameters())
for _, p in frozen:
    p.requires_grad = False
