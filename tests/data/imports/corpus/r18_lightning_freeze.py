# seen: Lightning documentation: self.freeze() of a LightningModule
# model: timm:resnet18
# read: lit.net
import pytorch_lightning as pl
from torchvision.models import resnet18

class Lit(pl.LightningModule):
    def __init__(self, freeze=True):
        super().__init__()
        self.net = resnet18()
        if freeze:
            self.freeze()
            self.net.layer4.requires_grad_(True)
            self.net.fc.requires_grad_(True)

lit = Lit()
