# seen: public code search: freeze_backbone_unfreeze_classifier(model)
# model: timm:resnet18
# read: model
import torch.nn as nn
import timm

def freeze_backbone_unfreeze_classifier(model):
    for param in model.parameters():
        param.requires_grad = False
    try:
        classifier = model.get_classifier()
    except Exception:
        classifier = None
    if classifier is not None:
        for param in classifier.parameters():
            param.requires_grad = True
    else:
        for name in ("head", "fc", "classifier"):
            if hasattr(model, name):
                for param in getattr(model, name).parameters():
                    param.requires_grad = True
                break

model = timm.create_model("resnet18", pretrained=True, num_classes=4)
freeze_backbone_unfreeze_classifier(model)
