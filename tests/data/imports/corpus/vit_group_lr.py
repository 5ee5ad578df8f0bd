# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn
model = timm.create_model('vit_tiny_patch16_224', pretrained=False)
import torch
lr = 1e-3
groups = []
for i, blk in enumerate(model.blocks):
    if i < 4:
        blk.requires_grad_(False)
    else:
        groups.append({'params': blk.parameters(), 'lr': lr * 0.75 ** (12 - i)})
opt = torch.optim.AdamW(groups, lr=lr, weight_decay=0.05)
