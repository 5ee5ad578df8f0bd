# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn
model = timm.create_model('vit_tiny_patch16_224', pretrained=False)
for blk in model.blocks[::3]:
    blk.requires_grad_(False)
