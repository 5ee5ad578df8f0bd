# seen: Hugging Face documentation: freeze the encoder through base_model
# model: bert
# read: model
from transformers import BertForSequenceClassification
model = BertForSequenceClassification.from_pretrained('bert-base-uncased')
for param in model.base_model.parameters():
    param.requires_grad = False
