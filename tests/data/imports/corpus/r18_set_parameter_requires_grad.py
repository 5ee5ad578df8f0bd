# seen: public code search: set_parameter_requires_grad, resnet_pretrained
# model: timm:resnet18
# read: mdl
from torchvision import models
import torch
import torch.nn as nn

def set_parameter_requires_grad(mdl, fine_tune):
    """turns off gradient updates if we aren't fine tuning"""
    if not fine_tune:
        for param in mdl.parameters():
            param.requires_grad = False

def resnet_pretrained(fine_tune=True):
    print('initializing resnet with fine_tuning={}'.format(fine_tune))
    mdl = models.resnet18(pretrained=True)
    set_parameter_requires_grad(mdl, fine_tune)
    linear_in_features = mdl.fc.in_features
    mdl.fc = nn.Linear(linear_in_features, 6)
    return mdl

mdl = resnet_pretrained(fine_tune=False)
