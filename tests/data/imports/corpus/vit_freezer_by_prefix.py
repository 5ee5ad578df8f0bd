# seen: project-lighter/lighter docs/how-to/freezers.md
# model: timm:vit_tiny_patch16_224
# read: model
class Freezer:
    def __init__(self, names=None, name_starts_with=None, except_names=(), until_epoch=None):
        self.names, self.starts = names or [], name_starts_with or []
        self.except_names, self.until_epoch = except_names, until_epoch

    def __call__(self, module, epoch):
        frozen = self.until_epoch is None or epoch < self.until_epoch
        for name, param in module.named_parameters():
            if name in self.except_names:
                continue
            if name in self.names or any(name.startswith(s) for s in self.starts):
                param.requires_grad = not frozen

freezer = Freezer(names=["pos_embed"], name_starts_with=["blocks.0", "patch_embed"], except_names=["blocks.0.norm1.weight"])
freezer(model, 0)
