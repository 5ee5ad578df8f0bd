# seen: vd1371/CBSA BERT/initialize_bert.py
# model: bertbase
# read: bert
from transformers import AutoModel

def initialize_bert(sent_id, mask, **params):
    checkpoint = params.get("checkpoint")
    bert = AutoModel.from_pretrained(checkpoint)
    for param in bert.parameters():
        param.requires_grad = False
    return bert

bert = initialize_bert(None, None, checkpoint="bert-base-uncased")
