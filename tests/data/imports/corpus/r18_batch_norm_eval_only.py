# seen: pytorch/vision references/depth/stereo/utils/norm.py
# model: timm:resnet18
# read: model
import torch

def freeze_batch_norm(model):
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.eval()

model.requires_grad_(True)
model.layer2.requires_grad_(False)
freeze_batch_norm(model)
