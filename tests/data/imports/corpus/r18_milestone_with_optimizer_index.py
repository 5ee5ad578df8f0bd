# seen: NINAnor/rare_species_detections callbacks/callbacks.py
# model: timm:resnet18
# read: model
# framework: hook = MilestonesFinetuning(1)
# framework: hook.freeze_before_training(model)
# framework: [hook.finetune_function(model, epoch, mock_optimizer, 0) for epoch in range(3)]
import pytorch_lightning as pl
from lightning.pytorch.callbacks import BaseFinetuning


class MilestonesFinetuning(BaseFinetuning):
    def __init__(self, unfreeze_at_epoch: int = 1, train_bn: bool = True):
        super().__init__()
        self.unfreeze_at_epoch = unfreeze_at_epoch
        self.train_bn = train_bn

    def freeze_before_training(self, pl_module):
        for param in pl_module.parameters():
            param.requires_grad = False
        for param in pl_module.fc.parameters():
            param.requires_grad = True

    def finetune_function(self, pl_module, epoch, optimizer, opt_idx):
        if epoch == self.unfreeze_at_epoch:
            for param in pl_module.layer4.parameters():
                param.requires_grad = True
