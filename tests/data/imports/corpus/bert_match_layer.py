# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained('bert-base-uncased', num_labels=2)
for n, p in model.named_parameters():
    match n.split('.'):
        case ['bert', 'encoder', 'layer', num, *_]:
            p.requires_grad = int(num) > 8
        case ['bert', 'embeddings', *_]:
            p.requires_grad = False
        case _:
            pass
