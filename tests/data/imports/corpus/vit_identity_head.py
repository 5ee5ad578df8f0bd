# seen: public code search: create_vit, freeze_vit
# model: timm:vit_tiny_patch16_224
# read: vit
import timm
import torch
import torch.nn as nn

def create_vit(model_name: str = 'vit_tiny_patch16_224', pretrained: bool = True):
    vit = timm.create_model(model_name, pretrained=pretrained)
    if hasattr(vit, 'head'):
        vit.head = nn.Identity()
    return vit

def freeze_vit(vit: torch.nn.Module, freeze: bool = True):
    for p in vit.parameters():
        p.requires_grad = not freeze

def unfreeze_last(vit, n: int):
    for block in vit.blocks[-n:]:
        for p in block.parameters():
            p.requires_grad = True

vit = create_vit()
freeze_vit(vit)
unfreeze_last(vit, 2)
