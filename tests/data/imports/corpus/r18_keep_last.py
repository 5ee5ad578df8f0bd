# seen: public code search: FineTunedResNet50.freeze_layers(keep)
# model: timm:resnet18
# read: net.model
import torch.nn as nn
import torchvision

class FineTunedResNet(nn.Module):
    def __init__(self, num_classes: int):
        super().__init__()
        self.model = torchvision.models.resnet18(weights=torchvision.models.ResNet18_Weights.IMAGENET1K_V1)
        self.model.fc = nn.Linear(self.model.fc.in_features, num_classes)

    def forward(self, x):
        return self.model(x)

    def freeze_layers(self, keep: int):
        children = list(self.model.children())
        for child in children[: len(children) - keep]:
            for param in child.parameters():
                param.requires_grad = False

net = FineTunedResNet(4)
net.freeze_layers(keep=3)
