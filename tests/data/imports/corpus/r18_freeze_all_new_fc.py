# seen: thaoducphung/deep-learning Exercises/frozen_parameters.py
# model: timm:resnet18
# read: model
from torch import nn, optim
import torchvision

model = torchvision.models.resnet18(pretrained=True)
for param in model.parameters():
    param.requires_grad = False
model.fc = nn.Linear(512, 10)
optimizer = optim.SGD(model.fc.parameters(), lr=1e-2, momentum=0.9)
