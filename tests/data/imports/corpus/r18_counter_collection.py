# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
from collections import Counter, OrderedDict, defaultdict
groups = defaultdict(list)
for n, p in model.named_parameters():
    groups[n.split('.')[0]].append(p)
for key in ('layer1', 'layer2'):
    for p in groups[key]:
        p.requires_grad = False
