# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained('bert-base-uncased', num_labels=2)
for n, p in model.named_parameters():
    if any(f'layer.{i}.' in n for i in range(0, 12, 3)) or 'embeddings' in n:
        p.requires_grad = False
