# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import random
random.seed(0)
for i in random.sample(range(12), 4):
    model.blocks[i].requires_grad_(False)
