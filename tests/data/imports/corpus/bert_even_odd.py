# seen: BaoLocPham/kaggle-common-lit-evaluate-student-summaries models/freezing.py
# model: bertbase
# read: model
from transformers import AutoModel

def odd_layer_freeze(module):
    for i in range(1, 12, 2):
        for n, p in module.encoder.layer[i].named_parameters():
            p.requires_grad = False

def top_half_layer_freeze(module):
    for i in range(0, 6, 1):
        for n, p in module.encoder.layer[i].named_parameters():
            p.requires_grad = False

model = AutoModel.from_pretrained("bert-base-uncased")
odd_layer_freeze(model)
