# seen: public code search: timm.create_model with num_classes=0 and the last of named_parameters()
# model: timm:resnet18
# read: probe
import timm
from torch import nn


class Probe(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = timm.create_model('resnet18', pretrained=True, num_classes=0)
        self.classifier = nn.Linear(512, 2)
        for param in self.backbone.parameters():
            param.requires_grad = False
        for name, param in list(self.backbone.named_parameters())[-7:]:
            param.requires_grad = True


probe = Probe().backbone
