# seen: public code search: BaseEncoder(never_unfreeze)
# model: timm:resnet18
# read: enc.body
import torch.nn as nn
from torchvision.models import resnet18


class BaseEncoder(nn.Module):
    def __init__(self, never_unfreeze=False):
        super().__init__()
        self.never_unfreeze = never_unfreeze
        self.is_frozen = False

    def freeze(self):
        if self.is_frozen:
            return
        for p in self.parameters():
            p.requires_grad_(False)
        self.is_frozen = True

    def unfreeze(self):
        if self.never_unfreeze or not self.is_frozen:
            return
        for p in self.parameters():
            p.requires_grad_(True)
        self.is_frozen = False


class ResEncoder(BaseEncoder):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.body = resnet18()


enc = ResEncoder(never_unfreeze=True)
enc.freeze()
enc.unfreeze()
