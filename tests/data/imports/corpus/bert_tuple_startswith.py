# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
N_FROZEN = 6
prefixes = tuple([f"bert.encoder.layer.{i}." for i in range(N_FROZEN)] + ["bert.embeddings."])
for n, p in model.named_parameters():
    if n.startswith(prefixes):
        p.requires_grad = False
