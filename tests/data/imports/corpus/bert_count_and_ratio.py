# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained('bert-base-uncased', num_labels=2)
total = sum(p.numel() for p in model.parameters())
running = 0
for p in model.parameters():
    running += p.numel()
    if running / total < 0.5:
        p.requires_grad = False
