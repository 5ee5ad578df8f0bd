# seen: public code search: ModifiedResNetBase.disable_gradients
# model: timm:resnet18
# read: net.resnet
import torch
import torch.nn as nn
from torchvision import models


class ModifiedResNetBase(nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet = models.resnet18(pretrained=True)
        self.disable_gradients(self.resnet)
        self.resnet.fc = nn.Linear(512, 5)

    def disable_gradients(self, model) -> None:
        for param in model.parameters():
            param.requires_grad = False


class Deeper(ModifiedResNetBase):
    def __init__(self):
        super().__init__()
        for param in self.resnet.layer4[1].parameters():
            param.requires_grad = True


net = Deeper()
