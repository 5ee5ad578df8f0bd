# seen: chemprop/chemprop issues/651
# model: timm:resnet18
# read: model
import torch

model.apply(lambda m: m.requires_grad_(False))
model.layer4.apply(lambda m: m.requires_grad_(True))
model.layer4.apply(lambda m: m.requires_grad_(False) if isinstance(m, torch.nn.BatchNorm2d) else None)
