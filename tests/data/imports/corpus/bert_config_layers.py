# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained('bert-base-uncased', num_labels=2)
n = model.config.num_hidden_layers
model.bert.embeddings.requires_grad_(False)
