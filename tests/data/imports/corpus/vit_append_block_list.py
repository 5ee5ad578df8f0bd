# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn
model = timm.create_model('vit_tiny_patch16_224', pretrained=False)
selected = []
for i, block in enumerate(model.blocks):
    if i >= 10:
        selected.append(block)
selected += [model.norm, model.head]
for p in model.parameters():
    p.requires_grad = False
for m in selected:
    for p in m.parameters():
        p.requires_grad = True
