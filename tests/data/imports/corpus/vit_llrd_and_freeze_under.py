# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
def layer_id(name, depth=12):
    if name in ("cls_token", "pos_embed") or name.startswith("patch_embed"):
        return 0
    if name.startswith("blocks"):
        return int(name.split(".")[1]) + 1
    return depth + 1


scales = [0.75 ** (13 - i) for i in range(14)]
for name, param in model.named_parameters():
    if scales[layer_id(name)] < 0.2:
        param.requires_grad = False
