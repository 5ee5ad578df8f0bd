# seen: ours
# model: timm:resnet18
# read: module.net
# framework: module.configure_optimizers()
import lightning.pytorch as pl
import torch
import torchvision


class Lit(pl.LightningModule):
    def __init__(self, lr: float = 1e-3, trainable: tuple = ("fc", "layer4")):
        super().__init__()
        self.save_hyperparameters()
        self.net = torchvision.models.resnet18()

    def training_step(self, batch, batch_idx):
        x, y = batch

        return torch.nn.functional.cross_entropy(self.net(x), y)

    def configure_optimizers(self):
        for name, p in self.net.named_parameters():
            p.requires_grad = name.split(".")[0] in self.hparams.trainable
        return torch.optim.AdamW([p for p in self.parameters() if p.requires_grad], lr=self.hparams.lr)


module = Lit()
