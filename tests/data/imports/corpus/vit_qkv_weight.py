# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn
model = timm.create_model('vit_tiny_patch16_224', pretrained=False)
for i, blk in enumerate(model.blocks):
    if i % 2:
        blk.attn.qkv.weight.requires_grad = False
