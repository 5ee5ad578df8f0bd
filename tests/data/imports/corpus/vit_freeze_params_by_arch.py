# seen: public code search: freeze_params(arch, model, n_block_to_train)
# model: timm:vit_tiny_patch16_224
# read: model
import timm


def freeze_params(arch, model, n_block_to_train=-1):
    if n_block_to_train == -1:
        return
    for param in model.parameters():
        param.requires_grad = False
    if ("convnext" in arch) or ("inception_next" in arch):
        for param in model.head.parameters():
            param.requires_grad = True
        if n_block_to_train > 0:
            for param in model.stages[-n_block_to_train:].parameters():
                param.requires_grad = True
    elif arch.startswith("vit"):
        for param in model.head.parameters():
            param.requires_grad = True
        for param in model.norm.parameters():
            param.requires_grad = True
        if n_block_to_train > 0:
            for param in model.blocks[-n_block_to_train:].parameters():
                param.requires_grad = True


arch = "vit_tiny_patch16_224"
model = timm.create_model(arch, pretrained=True, num_classes=10)
freeze_params(arch, model, 4)
