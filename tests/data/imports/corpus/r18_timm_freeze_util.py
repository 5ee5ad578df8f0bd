# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
import timm.utils
timm.utils.freeze(model, ['conv1', 'layer1', 'layer2'], include_bn_running_stats=False)
