# seen: CtrlZ1/Domain-Adaptation-Algorithms pytorch-WDGRL/utils.py
# model: timm:resnet18
# read: model
def set_requires_grad(model, requires_grad=True):
    for param in model.parameters():
        param.requires_grad = requires_grad

set_requires_grad(model, requires_grad=False)
set_requires_grad(model.layer4)
