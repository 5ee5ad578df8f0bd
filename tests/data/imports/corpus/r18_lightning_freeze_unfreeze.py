# seen: IGNF/myria3d lidar_multiclass/callbacks/finetuning_callbacks.py
# model: timm:resnet18
# read: model
from lightning.pytorch.callbacks import BaseFinetuning

class FinetuningFreezeUnfreeze(BaseFinetuning):
    def __init__(self, num_classes: int = 6):
        super().__init__()
        self._num_classes = num_classes

    def freeze_before_training(self, pl_module):
        self.freeze(pl_module)
        self.make_trainable(pl_module.fc)

    def finetune_function(self, pl_module, epoch, optimizer):
        pass

FinetuningFreezeUnfreeze().freeze_before_training(model)
