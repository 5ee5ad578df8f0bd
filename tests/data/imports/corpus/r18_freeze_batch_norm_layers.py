# seen: public code search: freeze_batch_norm_layers(m)
# model: timm:resnet18
# read: net
from torch import nn
import timm

def freeze_batch_norm_layers(m: nn.Module):
    for module in m.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
            for parameter in module.parameters():
                parameter.requires_grad = False

net = timm.create_model("resnet18", pretrained=True)
freeze_batch_norm_layers(net)
