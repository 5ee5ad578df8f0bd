# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
blocks = list(model.blocks)
order = list(range(len(blocks)))
order[::3] = [None] * len(order[::3])
del order[-2:]
for i in order:
    if i is not None:
        blocks[i].requires_grad_(False)
