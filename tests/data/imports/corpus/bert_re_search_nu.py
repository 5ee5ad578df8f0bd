# seen: public code search: TransformerEncoder(name, nu) with re.search
# model: bertbase
# read: enc.model
import re
import torch
import torch.nn as nn
from transformers import AutoModel

class TransformerEncoder(nn.Module):
    def __init__(self, name, nu):
        super().__init__()
        self.name = name
        self.nu = nu
        self.model = AutoModel.from_pretrained(name)
        for name, param in self.model.named_parameters():
            transformer_layer = re.search("(?:encoder\.layer\.)([0-9]+)", name)
            if transformer_layer and int(transformer_layer.group(1)) > nu:
                param.requires_grad = True
            elif "pooler" in name:
                param.requires_grad = True
            else:
                param.requires_grad = False

enc = TransformerEncoder("bert-base-uncased", 8)
