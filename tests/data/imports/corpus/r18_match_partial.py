# seen: public code search: EncoderBase.set_requires_grad with match
# model: timm:resnet18
# read: enc.resnet
import torch.nn as nn
from torchvision.models import resnet18

class EncoderBase(nn.Module):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__()
        self.resnet = resnet18(weights="DEFAULT")

    def set_requires_grad(self, fine_tune: str) -> None:
        match fine_tune:
            case "full":
                return
            case "partial":
                for param in self.resnet.parameters():
                    param.requires_grad = False
                for child in list(self.resnet.children())[-4:]:
                    for param in child.parameters():
                        param.requires_grad = True
            case "none":
                for param in self.resnet.parameters():
                    param.requires_grad = False
            case _:
                raise ValueError(fine_tune)

enc = EncoderBase()
enc.set_requires_grad("partial")
