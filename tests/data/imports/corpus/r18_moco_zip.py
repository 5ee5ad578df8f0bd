# seen: mmselfsup-like MoCo: zip of two encoders' parameters
# model: timm:resnet18
# read: model.encoder_q
import copy
import torch.nn as nn
from torchvision.models import resnet18

class MoCo(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder_q = resnet18()
        self.encoder_k = copy.deepcopy(self.encoder_q)
        for param_q, param_k in zip(self.encoder_q.parameters(), self.encoder_k.parameters()):
            param_k.data.copy_(param_q.data)
            param_k.requires_grad = False

model = MoCo()
