# seen: public code search: ViT(cfg) with head or classifier in name
# model: timm:vit_tiny_patch16_224
# read: vit.backbone
import torch
import torch.nn as nn
import timm
from types import SimpleNamespace

class ViT(nn.Module):
    def __init__(self, cfg):
        super(ViT, self).__init__()
        print("create model ViT")
        self.backbone = timm.create_model(cfg.model_name, pretrained=cfg.pretrained, num_classes=cfg.num_classes)
        for name, param in self.backbone.named_parameters():
            if 'head' in name or 'classifier' in name:
                param.requires_grad = True
            else:
                param.requires_grad = False

    def forward(self, x):
        return self.backbone(x)

vit = ViT(SimpleNamespace(model_name="vit_tiny_patch16_224", pretrained=False, num_classes=3))
