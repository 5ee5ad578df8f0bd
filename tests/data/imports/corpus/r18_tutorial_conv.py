# seen: Homa777/Make-an-app-for-covid-images-classifucation-using-flask model_conv.py
# model: timm:resnet18
# read: model_conv
import torchvision
from torch import nn
model_conv = torchvision.models.resnet18(pretrained=True)
for param in model_conv.parameters():
    param.requires_grad = False
model_conv.fc = nn.Linear(model_conv.fc.in_features, 2)
