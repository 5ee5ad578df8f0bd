# seen: umamicode/sDG_OLD network/modules/freeze.py
# model: timm:resnet18
# read: model
def freeze_(net):
    """Freeze, batch norms' statistics aside."""
    for p in net.parameters():
        p.requires_grad_(False)

freeze_(model.layer1), freeze_(model.layer3[1])
