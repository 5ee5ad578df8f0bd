# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
for i in range(12):
    if i % 3:
        continue
    key = "bert.encoder.layer.{0}.{part}".format(i, part="attention")
    for n, p in model.named_parameters():
        if n.startswith(key):
            p.requires_grad = False
