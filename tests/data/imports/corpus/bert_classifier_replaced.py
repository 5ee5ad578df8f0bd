# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained('bert-base-uncased', num_labels=2)
import torch.nn as nn
model.bert.requires_grad_(False)
model.classifier = nn.Linear(768, 5)
