# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
model.get_parameter('layer1.0.conv1.weight').requires_grad_(False)
