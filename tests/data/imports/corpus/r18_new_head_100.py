# seen: daicver/PytorchNote 2.finetune.py
# model: timm:resnet18
# read: model
import torchvision
import torch.nn as nn
from torch import optim
model = torchvision.models.resnet18(pretrained=True)
for param in model.parameters():
    param.requires_grad = False
model.fc = nn.Linear(512, 100)
optimizer = optim.SGD(model.fc.parameters(), lr=1e-2, momentum=0.9)
