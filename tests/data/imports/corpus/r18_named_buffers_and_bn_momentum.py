# seen: ours
# model: timm:resnet18
# read: model
import torch.nn as nn
for name, b in model.named_buffers():
    b.requires_grad = False
for m in model.modules():
    if isinstance(m, nn.modules.batchnorm._BatchNorm):
        m.momentum = 0.0
        m.weight.requires_grad_(False)
        m.bias.requires_grad_(False)
