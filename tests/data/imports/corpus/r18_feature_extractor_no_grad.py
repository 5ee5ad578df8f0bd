# seen: ours
# model: timm:resnet18
# read: net.features
import torch
from torch import nn
from torchvision import models


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = models.resnet18(weights=models.ResNet18_Weights.IMAGENET1K_V1)
        self.features.fc = nn.Identity()
        self.head = nn.Linear(512, 2)

    def forward(self, x):
        with torch.no_grad():
            x = self.features(x)
        return self.head(x)


net = Net()
optimizer = torch.optim.Adam(net.head.parameters(), lr=1e-3)
