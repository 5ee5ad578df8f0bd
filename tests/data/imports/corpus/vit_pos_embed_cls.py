# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn
model = timm.create_model('vit_tiny_patch16_224', pretrained=False)
model.cls_token.requires_grad = False
model.pos_embed.requires_grad_(False)
model.patch_embed.requires_grad_(False)
