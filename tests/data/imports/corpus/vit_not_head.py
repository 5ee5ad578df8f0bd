# seen: Ankushbisht12/plant-disease-detection-vit ML/model.py
# model: timm:vit_tiny_patch16_224
# read: m
import timm

def build_vit_model(num_classes):
    model = timm.create_model("vit_tiny_patch16_224", pretrained=True, num_classes=num_classes)
    for name, param in model.named_parameters():
        if "head" not in name:
            param.requires_grad = False
    return model

m = build_vit_model(38)
