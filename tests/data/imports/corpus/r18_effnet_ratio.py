# seen: public code search: unfreeze_top(m, ratio) over a list of features
# model: timm:resnet18
# read: m
import torch.nn as nn
import torchvision.models as tv


def build_model(num_classes: int):
    m = tv.resnet18(weights=tv.ResNet18_Weights.IMAGENET1K_V1)
    m.fc = nn.Linear(m.fc.in_features, num_classes)
    return m


def freeze_all(m: nn.Module):
    for p in m.parameters(): p.requires_grad = False
    for p in m.fc.parameters(): p.requires_grad = True


def unfreeze_top(m: nn.Module, ratio: float = 0.33):
    feat = list(m.children())[:-1]
    cutoff = int(len(feat) * (1.0 - ratio))
    for i, blk in enumerate(feat):
        req = (i >= cutoff)
        for p in blk.parameters(): p.requires_grad = req
    for p in m.fc.parameters(): p.requires_grad = True


m = build_model(5)
freeze_all(m)
unfreeze_top(m, ratio=0.4)
