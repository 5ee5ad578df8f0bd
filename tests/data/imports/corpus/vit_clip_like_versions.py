# seen: public code search: load_clip(freeze_version) with nested functions
# model: timm:vit_tiny_patch16_224
# read: model
def load(freeze_version=0):
    assert freeze_version in [0, 1, 2, 3]

    def _freeze_version_1():
        model.pos_embed.requires_grad = False
        model.norm.weight.requires_grad = False
        model.norm.bias.requires_grad = False

    def _freeze_version_2():
        _freeze_version_1()
        for param in model.blocks.parameters():
            param.requires_grad = False

    def _freeze_version_3():
        _freeze_version_2()
        model.patch_embed.proj.weight.requires_grad = False

    versions = {1: _freeze_version_1, 2: _freeze_version_2, 3: _freeze_version_3}
    versions.get(freeze_version, lambda: None)()
    return model


load(2)
