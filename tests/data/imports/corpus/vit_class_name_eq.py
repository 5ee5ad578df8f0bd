# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn
model = timm.create_model('vit_tiny_patch16_224', pretrained=False)
for m in model.modules():
    if m.__class__.__name__ == 'Mlp':
        for p in m.parameters():
            p.requires_grad = False
