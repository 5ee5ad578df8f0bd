# seen: pamintandrei/plantvillage_modele_ai load_model.py
# model: timm:resnet18
# read: net
from torchvision import models
import torch.nn as nn

def set_parameter_requires_grad(model):
    for name, param in model.named_parameters():
        if "layer4" in name:
            param.requires_grad = True
        else:
            param.requires_grad = False

def load_model():
    model_ft = models.resnet18(pretrained=True)
    set_parameter_requires_grad(model_ft)
    num_ftrs = model_ft.fc.in_features
    model_ft.fc = nn.Linear(num_ftrs, 15)
    return model_ft

net = load_model()
