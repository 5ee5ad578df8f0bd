# seen: r-gould/sslearn sslearn/models/finetuning/finetune_model.py
# model: timm:resnet18
# read: net.encoder
import torch.nn as nn
from torchvision import models


class FinetuneModel(nn.Module):

    name = "finetune"

    def __init__(self, encoder: nn.Module, *args, freeze: bool = True, **kwargs):

        super().__init__()

        self.encoder = encoder
        if freeze:
            self._freeze()

    def _freeze(self):

        for param in self.encoder.parameters():
            param.requires_grad = False

    def _unfreeze(self):

        for param in self.encoder.parameters():
            param.requires_grad = True


class Linear(FinetuneModel):

    def __init__(self, encoder, classes, **kwargs):

        super().__init__(encoder, **kwargs)
        self.out = nn.Linear(512, classes)


net = Linear(models.resnet18(), 4, freeze=False)
net._freeze()
for param in net.encoder.layer4.parameters():
    param.requires_grad = True
