# seen: public code search: maybe_freeze_encoder(model, epoch_idx, freeze_epochs)
# model: timm:resnet18
# read: model
def set_trainable(model, trainable, *, keep_norm=True):
    for name, p in model.named_parameters():
        if name.startswith("fc") or (keep_norm and "bn" in name):
            p.requires_grad = True
        else:
            p.requires_grad = trainable


def maybe_freeze(model, epoch_idx_0based, freeze_epochs, keep_norm=False):
    if epoch_idx_0based < freeze_epochs:
        set_trainable(model, False, keep_norm=keep_norm)
    else:
        set_trainable(model, True, keep_norm=keep_norm)


for epoch in range(4):
    maybe_freeze(model, epoch, freeze_epochs=10, keep_norm=True)
