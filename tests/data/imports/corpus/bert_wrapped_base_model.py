# seen: elangovana/gene_normalisation src/model/bert_model.py
# model: bert
# read: net.model
from torch import nn
from transformers import BertForSequenceClassification

class BertNet(nn.Module):
    def __init__(self, model_name_or_dir, num_classes, fine_tune=True):
        super().__init__()
        self.model = BertForSequenceClassification.from_pretrained(model_name_or_dir, num_labels=num_classes)
        if fine_tune:
            self._freeze_base_weights()

    def _freeze_base_weights(self):
        for param in self.model.base_model.parameters():
            param.requires_grad = False

net = BertNet("bert-base-uncased", 3)
