# seen: ours
# model: timm:resnet18
# read: model
from functools import partial
from operator import methodcaller


def set_grad(flag, module):
    for p in module.parameters(recurse=False):
        p.requires_grad = flag


freeze, thaw = partial(set_grad, False), partial(set_grad, True)
model.apply(freeze)
model.layer4.apply(thaw)
methodcaller("apply", thaw)(model.fc)
