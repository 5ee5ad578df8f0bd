# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained('bert-base-uncased', num_labels=2)
import torch.nn as nn
for m in model.modules():
    if isinstance(m, nn.Embedding):
        m.weight.requires_grad = False
