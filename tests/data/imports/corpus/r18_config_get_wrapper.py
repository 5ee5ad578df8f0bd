# seen: public code search: EfficientNetWrapper(config) with unfreeze_encoder_blocks
# model: timm:resnet18
# read: net.backbone
import torch.nn as nn
from torchvision import models


class BaseModel(nn.Module):
    def __init__(self, config: dict = None):
        super().__init__()
        self.config = config or {}


class Wrapper(BaseModel):
    def __init__(self, config: dict = None):
        super().__init__(config)
        model_name = config.get("model_name", "resnet18")
        freeze_encoder = config.get("freeze_encoder", True)
        unfreeze_encoder_blocks = config.get("unfreeze_encoder_blocks", 0)
        self.backbone = getattr(models, model_name)(weights="DEFAULT" if config.get("pretrained", True) else None)
        if freeze_encoder:
            for parameter in self.backbone.parameters():
                parameter.requires_grad = False
            if unfreeze_encoder_blocks > 0:
                blocks = [self.backbone.layer1, self.backbone.layer2, self.backbone.layer3, self.backbone.layer4]
                for block in blocks[-unfreeze_encoder_blocks:]:
                    for parameter in block.parameters():
                        parameter.requires_grad = True
        self.backbone.fc = nn.Sequential(nn.Dropout(0.2), nn.Linear(self.backbone.fc.in_features, 1))


net = Wrapper({"unfreeze_encoder_blocks": 1, "pretrained": False})
