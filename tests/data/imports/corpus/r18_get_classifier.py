# seen: public code search: get_model(model_name, freeze_backbone=True)
# model: timm:resnet18
# read: model
import timm
import torch.nn as nn

def get_model(model_name, freeze_backbone=True):
    model = timm.create_model(model_name, pretrained=True)
    model.reset_classifier(10)
    if freeze_backbone:
        for param in model.parameters():
            param.requires_grad = False
        for param in model.get_classifier().parameters():
            param.requires_grad = True
    return model

model = get_model("resnet18")
