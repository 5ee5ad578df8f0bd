# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn
model = timm.create_model('vit_tiny_patch16_224', pretrained=False)
from timm.utils import freeze, unfreeze
freeze(model, ['patch_embed'] + [f'blocks.{i}' for i in range(4)])
unfreeze(model, 'blocks.3')
