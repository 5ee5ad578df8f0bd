# seen: vacancy/Jacinle jactorch/train/utils.py
# model: timm:resnet18
# read: model
__all__ = ["mark_freezed", "mark_unfreezed"]


def mark_freezed(model):
    model.eval()
    for p in model.parameters():
        p.requires_grad = False


def mark_unfreezed(model):
    model.train()
    for p in model.parameters():
        p.requires_grad = True


mark_freezed(model)
mark_unfreezed(model.layer3)
mark_unfreezed(model.fc)
