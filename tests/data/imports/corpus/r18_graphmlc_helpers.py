# seen: TheoViel/graphMLC src/training/freezing.py
# model: timm:resnet18
# read: model
def freeze_bn(m):
    classname = m.__class__.__name__
    if classname.find("BatchNorm") != -1:
        m.eval()
        m.weight.requires_grad = False
        m.bias.requires_grad = False


def unfreeze_layer(model, name):
    for n, p in list(model.named_parameters()):
        if name in n:
            p.requires_grad = True


def freeze(m):
    for param in m.parameters():
        param.requires_grad = False


freeze(model)
unfreeze_layer(model, "layer4")
unfreeze_layer(model, "fc")
model.apply(freeze_bn)
