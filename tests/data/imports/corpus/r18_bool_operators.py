# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
freeze_bn, freeze_conv = True, False
for n, p in model.named_parameters():
    is_bn = 'bn' in n or 'downsample.1' in n
    p.requires_grad = not ((is_bn and freeze_bn) or (not is_bn and freeze_conv))
