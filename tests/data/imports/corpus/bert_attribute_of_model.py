# seen: ZachEichen/propaganda_detection model.py
# model: bert
# read: model
import torch
from transformers import BertForSequenceClassification
model = BertForSequenceClassification.from_pretrained("bert-base-uncased", num_labels=13)

for param in model.bert.parameters():
    param.requires_grad = False
