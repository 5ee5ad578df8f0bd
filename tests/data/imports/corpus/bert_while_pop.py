# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
layers = list(model.bert.encoder.layer)
while len(layers) > 2:
    layer = layers.pop(0)
    for p in layer.parameters():
        p.requires_grad = False
