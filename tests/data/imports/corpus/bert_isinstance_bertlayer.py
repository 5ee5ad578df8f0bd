# seen: ours
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained('bert-base-uncased', num_labels=2)
from transformers.models.bert.modeling_bert import BertLayer
layers = [m for m in model.modules() if isinstance(m, BertLayer)]
for layer in layers[: len(layers) // 2]:
    layer.requires_grad_(False)
