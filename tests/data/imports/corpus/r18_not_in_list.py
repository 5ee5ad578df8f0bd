# seen: ilovemyminutes/ImageClassfication model.py
# model: timm:resnet18
# read: m.resnet
from torch import nn
from torchvision import models

class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.resnet = models.resnet18(pretrained=True)
        self._freeze()

    def _freeze(self):
        for name, param in self.resnet.named_parameters():
            if name not in ["fc.weight", "fc.bias"]:
                param.requires_grad = False

m = Net()
