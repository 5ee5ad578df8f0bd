# seen: public code search: freeze_layer(model) of an NTS-Net learner
# model: timm:resnet18
# read: model
import torch.nn as nn
from torchvision.models import resnet18

bn_types = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

def requires_grad(m, b):
    for p in m.parameters():
        p.requires_grad = b

def freeze_layer(model):
    for node in list(model.children()):
        children = list(node.children())
        if len(children) == 0:
            if isinstance(node, bn_types):
                requires_grad(node, True)
            else:
                requires_grad(node, False)
        else:
            freeze_layer(node)

model = resnet18()
freeze_layer(model)
