# seen: holajoa/Adaptor-VL-SSL utils.py
# model: timm:resnet18
# read: model
import torch.nn as nn

def load_model(net, retain_head=False):
    if not retain_head:
        return nn.Sequential(*list(net.children())[:-2])
    return net

def freeze_encoder(encoders):
    for encoder in encoders:
        for param in encoder.parameters():
            param.requires_grad = False

freeze_encoder([load_model(model)])
