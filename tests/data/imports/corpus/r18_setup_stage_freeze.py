# seen: ours
# model: timm:resnet18
# read: module.net
# framework: module.setup("fit")
import lightning as L
from torchvision.models import resnet18


class Lit(L.LightningModule):

    def __init__(self):

        super().__init__()

        self.net = resnet18()

    def setup(self, stage):

        if stage == "fit":

            for p in self.net.layer1.parameters():

                p.requires_grad = False


module = Lit()
