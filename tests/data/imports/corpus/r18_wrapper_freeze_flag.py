# seen: mohaEs/QML models/ClassicalResnet18.py
# model: timm:resnet18
# read: net.model
import torch.nn as nn
import torchvision

class Resnet18(nn.Module):
    def __init__(self, freeze, num_classes, device="cuda"):
        super(Resnet18, self).__init__()
        weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
        self.model = torchvision.models.resnet18(weights=weights)
        if freeze:
            for param in self.model.parameters():
                param.requires_grad = False
        self.model.fc = nn.Linear(self.model.fc.in_features, num_classes)
        self.model = self.model.to(device)

net = Resnet18(True, 4)
