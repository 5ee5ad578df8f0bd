# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import numpy as np
for i in np.arange(0, 6):
    model.blocks[int(i)].requires_grad_(False)
