# seen: public code search: Bert with frozen encoder
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification

model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
for name, param in model.named_parameters():
    print(name)
    if name.startswith("bert.encoder"):
        print(f"{name} frozen")
        param.requires_grad = False
