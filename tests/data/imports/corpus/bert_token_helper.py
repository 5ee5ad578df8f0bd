# seen: SVFDMF-main/SVFDMF untils/tools.py
# model: bertbase
# read: bert
from transformers import BertTokenizer, BertModel

def pretrain_bert_token():
    return BertTokenizer.from_pretrained("pretrain/roberta_wwm")

def pretrain_bert_models():
    model = BertModel.from_pretrained("pretrain/roberta_wwm").cuda()
    for param in model.parameters():
        param.requires_grad = False
    return model

bert = pretrain_bert_models()
