# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
class Base(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.setup()
    def setup(self):
        pass
class Frozen(Base):
    def setup(self):
        for p in self.net.parameters():
            p.requires_grad = False
        self.net.fc.requires_grad_(True)
Frozen(model)
