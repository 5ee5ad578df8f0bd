# seen: public code search: _freeze_till(model, layer_name)
# model: timm:resnet18
# read: model
import torch.nn as nn


def _set_bn_eval(m):
    if isinstance(m, nn.BatchNorm2d):
        m.track_running_stats = False


def _freeze_till(model, layer_name):
    freeze_stopped = False
    for name, param in model.named_parameters():
        if layer_name in name:
            freeze_stopped = True
        if not freeze_stopped:
            param.requires_grad = False
        else:
            param.requires_grad = True
    for name, module in model.named_children():
        if name == layer_name:
            break
        module.apply(_set_bn_eval)


_freeze_till(model, "layer3")
