# seen: Lightning documentation: ImagenetTransferLearning
# model: timm:resnet18
# read: lit.backbone
import lightning as L
import torch.nn as nn
import torchvision.models as models

class ImagenetTransferLearning(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.backbone = models.resnet18(weights="DEFAULT")
        num_filters = self.backbone.fc.in_features
        self.backbone.fc = nn.Identity()
        self.classifier = nn.Linear(num_filters, 10)
        self.backbone.eval()
        for p in self.backbone.parameters():
            p.requires_grad = False

    def forward(self, x):
        return self.classifier(self.backbone(x))

lit = ImagenetTransferLearning()
