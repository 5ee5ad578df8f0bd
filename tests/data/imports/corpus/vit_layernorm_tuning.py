# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn
model = timm.create_model('vit_tiny_patch16_224', pretrained=False)
for m in model.modules():
    m.requires_grad_(False) if not list(m.children()) else None
model.cls_token.requires_grad = False
model.pos_embed.requires_grad = False
for m in model.modules():
    if isinstance(m, nn.LayerNorm):
        m.requires_grad_(True)
