# seen: public code search: TransformerBasedEncoder.disable_bert_training
# model: bertbase
# read: enc.bert_module
from copy import deepcopy
import torch.nn as nn
from transformers import BertModel

class TransformerBasedEncoder(nn.Module):
    def __init__(self, bert_model):
        super(TransformerBasedEncoder, self).__init__()
        self.bert_module = bert_model

    def forward(self, input_batch):
        bert_output = self.bert_module(**{key: input_batch[key] for key in ['input_ids', 'token_type_ids']})
        return {"last_hiddens": bert_output.last_hidden_state, "pooler": bert_output.pooler_output}

    def disable_bert_training(self):
        for layer in self.bert_module.encoder.layer:
            for param in layer.parameters():
                param.requires_grad = False

enc = TransformerBasedEncoder(BertModel.from_pretrained("bert-base-uncased"))
enc.disable_bert_training()
