# seen: public code search: num_unfreeze_layers of KcBERT
# model: bert
# read: module.model
import torch.nn as nn
from transformers import AutoModelForSequenceClassification

class KcBERT(nn.Module):
    def __init__(self, pretrained_model, num_labels, num_unfreeze_layers):
        super().__init__()
        self.model = AutoModelForSequenceClassification.from_pretrained(pretrained_model, num_labels=num_labels)
        self._freeze(num_unfreeze_layers)

    def _freeze(self, n):
        for p in self.model.parameters():
            p.requires_grad = False
        if n > 0:
            for layer in self.model.bert.encoder.layer[-n:]:
                layer.requires_grad_(True)
        for p in self.model.classifier.parameters():
            p.requires_grad = True

module = KcBERT("beomi/kcbert-base", 2, num_unfreeze_layers=3)
