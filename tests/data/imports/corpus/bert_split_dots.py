# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
for name, param in model.named_parameters():
    parts = name.split(".")
    if "layer" in parts:
        layer_num = int(parts[parts.index("layer") + 1])
        if layer_num < 8:
            param.requires_grad = False
    elif parts[1] == "embeddings":
        param.requires_grad = False
