# seen: ours
# model: timm:resnet18
# read: model
import torch.nn as nn
model.requires_grad_(False)
model.layer4[1] = nn.Sequential(nn.Conv2d(512, 512, 3, padding=1, bias=False), nn.BatchNorm2d(512))
model.fc = nn.Identity()
