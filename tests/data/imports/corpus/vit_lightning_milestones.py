# seen: NINAnor/rare_species_detections fine_tune/callbacks.py
# model: timm:vit_tiny_patch16_224
# read: model
from lightning.pytorch.callbacks.finetuning import BaseFinetuning

class MilestonesFinetuning(BaseFinetuning):
    def __init__(self, milestones: int = 1):
        super().__init__()
        self.milestones = milestones

    def freeze_before_training(self, pl_module):
        self.freeze(modules=pl_module.blocks, train_bn=False)

    def finetune_function(self, pl_module, epoch, optimizer):
        if epoch == self.milestones:
            self.make_trainable(pl_module.blocks[-2:])

callback = MilestonesFinetuning(2)
callback.freeze_before_training(model)
for epoch in range(4):
    callback.finetune_function(model, epoch, None)
