# seen: CV4EcologySchool/snow-Dayz snowpoles_ViT/model.py
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn

def get_model():
    model = timm.create_model('vit_tiny_patch16_224', pretrained=True)
    for param in model.parameters():
        param.requires_grad = False
    model.head = nn.Linear(model.head.in_features, 1)
    for param in model.head.parameters():
        param.requires_grad = True
    return model

model = get_model()
