# seen: public code search: FrozenBatchNorm(base_module) that patches train
# model: timm:resnet18
# read: model
import torch.nn as nn
import types
import torchvision

def freeze(m):
    for p in m.parameters():
        p.requires_grad = False

def is_batch_norm(m):
    return isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))

def FrozenBatchNorm(base_module):
    def train(self, mode=True):
        super(type(base_module), self).train(mode)
        if mode:
            for m in self.modules():
                if is_batch_norm(m):
                    m.train(False)
    base_module.train = types.MethodType(train, base_module)
    for m in base_module.modules():
        if is_batch_norm(m):
            freeze(m)
    return base_module

model = FrozenBatchNorm(torchvision.models.resnet18())
