# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn
model = timm.create_model('vit_tiny_patch16_224', pretrained=False)
for p in model.parameters():
    p.requires_grad = False
for blk in model.blocks[-3:]:
    for p in blk.parameters():
        p.requires_grad = True
for p in model.head.parameters():
    p.requires_grad = True
