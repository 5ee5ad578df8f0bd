# seen: nicolas-dufour/cheese_classification_challenge models/resnet.py
# model: timm:resnet18
# read: clf.backbone
import torchvision
import torch.nn as nn

class ResNetFinetune(nn.Module):
    def __init__(self, num_classes, frozen=False):
        super().__init__()
        self.backbone = torchvision.models.resnet18(pretrained=True)
        self.backbone.fc = nn.Identity()
        if frozen:
            for param in self.backbone.parameters():
                param.requires_grad = False
        self.classifier = nn.Linear(512, num_classes)

clf = ResNetFinetune(37, frozen=True)
