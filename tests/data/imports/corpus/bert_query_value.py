# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained('bert-base-uncased', num_labels=2)
for n, p in model.named_parameters():
    if not any(k in n for k in ('attention.self.query', 'attention.self.value', 'classifier')):
        p.requires_grad = False
