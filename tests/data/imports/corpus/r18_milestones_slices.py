# seen: bkntr/brainways src/brainways_reg_model/utils/milestones_finetuning.py
# model: timm:resnet18
# read: module.resnet
# framework: callback.freeze_before_training(module)
# framework: opt = types.SimpleNamespace(param_groups=[{'params': [], 'lr': 1}], add_param_group=lambda group: None)
# framework: [callback.finetune_function(module, epoch, opt) for epoch in range(20)]
import torch
import torch.nn as nn
import lightning.pytorch as pl
import torchvision
from lightning.pytorch.callbacks import BaseFinetuning
from torch.optim import Optimizer


class MilestonesFinetuning(BaseFinetuning):
    def __init__(self, milestones: tuple, train_bn: bool):
        super().__init__()
        self.milestones = milestones
        self.train_bn = train_bn

    def freeze_before_training(self, pl_module: pl.LightningModule):
        for param in pl_module.feature_extractor.parameters():
            param.requires_grad = False

    def finetune_function(self, pl_module: pl.LightningModule, epoch: int, optimizer: Optimizer):
        if epoch == self.milestones[0]:
            self.unfreeze_and_add_param_group(
                modules=pl_module.feature_extractor[-3:], optimizer=optimizer, train_bn=self.train_bn
            )


class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.resnet = torchvision.models.resnet18(weights="DEFAULT")
        self.feature_extractor = nn.Sequential(*list(self.resnet.children())[:-1])
        self.head = nn.Linear(512, 3)

    def configure_optimizers(self):
        return torch.optim.Adam(filter(lambda p: p.requires_grad, self.parameters()), lr=1e-3)


module = Net()
callback = MilestonesFinetuning((4,), True)
trainer = pl.Trainer(max_epochs=20, callbacks=[callback])
