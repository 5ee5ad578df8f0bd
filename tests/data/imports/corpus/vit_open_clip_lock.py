# seen: mlfoundations/open_clip src/open_clip/timm_model.py
# model: timm:vit_tiny_patch16_224
# read: model
def lock(trunk, unlocked_groups=0, freeze_bn_stats=False):
    if not unlocked_groups:
        for param in trunk.parameters():
            param.requires_grad = False
        return
    matcher = [["cls_token", "patch_embed", "pos_embed"], *[[f"blocks.{i}."] for i in range(12)], ["norm", "head"]]
    groups = {}
    for name, param in trunk.named_parameters():
        layer = next(i for i, keys in enumerate(matcher) if any(name.startswith(key) for key in keys))
        groups.setdefault(layer, []).append(name)
    max_layer_id = max(groups) - unlocked_groups
    for layer, names in groups.items():
        if layer > max_layer_id:
            break
        for name in names:
            trunk.get_parameter(name).requires_grad = False


lock(model, unlocked_groups=3)
