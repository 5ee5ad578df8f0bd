# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
class Wrap(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
    @property
    def stages(self):
        return [self.net.layer1, self.net.layer2, self.net.layer3, self.net.layer4]
    @staticmethod
    def _freeze(part):
        part.requires_grad_(False)
    def freeze(self, n):
        for stage in self.stages[:n]:
            self._freeze(stage)
        return self
Wrap(model).freeze(2)
