# seen: giuseppefrn/all-hands-on-ml model_finetuning/freeze_bert_layers.py
# model: bert
# read: model
from transformers import BertForSequenceClassification, BertTokenizer

model = BertForSequenceClassification.from_pretrained("bert-base-uncased", num_labels=2)
for param in model.bert.parameters():
    param.requires_grad = False
for i in [10, 11]:
    for param in model.bert.encoder.layer[i].parameters():
        param.requires_grad = True
for param in model.classifier.parameters():
    param.requires_grad = True
for name, param in model.named_parameters():
    print(f"{name:55} | Trainable: {param.requires_grad}")
