# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained('bert-base-uncased', num_labels=2)
for n, p in model.named_parameters():
    p.requires_grad = 'LayerNorm' in n or 'classifier' in n
