# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
import functools
def logged(fn):
    @functools.wraps(fn)
    def inner(*args, **kwargs):
        print('calling', fn.__name__)
        return fn(*args, **kwargs)
    return inner
@logged
def freeze(part):
    for p in part.parameters():
        p.requires_grad = False
freeze(model.layer3)
