# seen: Kaggle: layer-wise learning rate decay, lower layers frozen
# model: bert
# read: model
import torch
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
lr, decay = 2e-5, 0.9
groups = []
layers = [model.bert.embeddings] + list(model.bert.encoder.layer)
layers.reverse()
for depth, layer in enumerate(layers):
    rate = lr * decay ** depth
    if rate < 1e-5:
        for p in layer.parameters():
            p.requires_grad = False
        continue
    groups.append({"params": list(layer.parameters()), "lr": rate})
groups.append({"params": model.classifier.parameters(), "lr": lr * 10})
optimizer = torch.optim.AdamW(groups)
