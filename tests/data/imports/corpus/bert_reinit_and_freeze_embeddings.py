# seen: ours
# model: bertbase
# read: model
from transformers import AutoModel
import torch.nn as nn

model = AutoModel.from_pretrained("bert-base-uncased")
reinit_layers = 2
for layer in model.encoder.layer[-reinit_layers:]:
    for module in layer.modules():
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(mean=0.0, std=0.02)
            if module.bias is not None:
                module.bias.data.zero_()
        elif isinstance(module, nn.LayerNorm):
            module.bias.data.zero_()
            module.weight.data.fill_(1.0)
for p in model.embeddings.parameters():
    p.requires_grad = False
