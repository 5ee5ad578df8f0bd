# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
frozen = ["encoder.layer.%d." % i for i in range(4)]
for n, p in model.named_parameters():
    if any(f in n for f in frozen):
        p.requires_grad = False
