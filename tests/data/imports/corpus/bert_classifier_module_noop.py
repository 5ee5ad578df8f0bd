# seen: OrezriceWasHere/Bluffer FakeNewsDetection/BERT.py
# model: bert
# read: b.bert
import torch.nn as nn
from transformers import BertForSequenceClassification

class BERT(nn.Module):
    def __init__(self):
        super(BERT, self).__init__()
        self.bert = BertForSequenceClassification.from_pretrained("bert-base-uncased")
        for param in self.bert.parameters():
            param.requires_grad = False
        self.bert.classifier = nn.Linear(in_features=768, out_features=2)
        self.bert.classifier.requires_grad = True

b = BERT()
