# seen: public code search: create_model factory with a table of timm names
# model: timm:resnet18
# read: model
import timm
import torch.nn as nn

def create_model(model_name: str, num_classes: int = 10, freeze_backbone: bool = False) -> nn.Module:
    timm_model_names = {"swin_t": "swin_tiny_patch4_window7_224", "r18": "resnet18"}
    if model_name not in timm_model_names:
        raise ValueError(f"Model {model_name} not supported")
    model = timm.create_model(timm_model_names[model_name], pretrained=True, num_classes=num_classes)
    if freeze_backbone:
        for name, param in model.named_parameters():
            if not any(k in name for k in ("head", "fc")):
                param.requires_grad = False
    return model

model = create_model("r18", freeze_backbone=True)
