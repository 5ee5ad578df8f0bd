# seen: public code search: freeze_bert(model) regardless of the wrapper
# model: bert
# read: clf.model
import torch.nn as nn
from transformers import AutoModelForSequenceClassification

class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = AutoModelForSequenceClassification.from_pretrained("bert-base-cased")

def freeze_bert(model):
    if hasattr(model, "model"):
        base = getattr(model.model, "bert", None) or getattr(model.model, "base_model", None)
    else:
        base = getattr(model, "bert", None)
    if base is None:
        raise ValueError("Could not find BERT model to freeze.")
    for param in base.parameters():
        param.requires_grad = False
    n_total = sum(1 for _ in model.parameters())

clf = Tagger()
freeze_bert(clf)
