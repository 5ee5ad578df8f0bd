# seen: public code search: unfreeze_layers(num_layers), layers from layer4 down
# model: timm:resnet18
# read: m.backbone
import torch.nn as nn
from torchvision import models

class Net(nn.Module):
    def __init__(self, num_classes=7):
        super().__init__()
        self.backbone = models.resnet18(weights=models.ResNet18_Weights.DEFAULT)
        self.backbone.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(512, num_classes))
        self.unfreeze_epoch = 3

    def freeze_backbone(self):
        for param in self.backbone.parameters():
            param.requires_grad = False
        for param in self.backbone.fc.parameters():
            param.requires_grad = True

    def unfreeze_layers(self, num_layers):
        layers = [self.backbone.layer4, self.backbone.layer3, self.backbone.layer2, self.backbone.layer1]
        for i in range(min(num_layers, len(layers))):
            for param in layers[i].parameters():
                param.requires_grad = True

m = Net()
m.freeze_backbone()
m.unfreeze_layers(2)
