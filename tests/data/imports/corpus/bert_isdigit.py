# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
unfreeze = {9, 10, 11}
for name, p in model.named_parameters():
    numbers = [int(s) for s in name.split(".") if s.isdigit()]
    p.requires_grad = bool(numbers) and numbers[0] in unfreeze or "classifier" in name or "pooler" in name
