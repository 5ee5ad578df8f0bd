# seen: public code search: TextClassification(checkpoint, freeze) by text levels
# model: bertbase
# read: net.encoder
import torch.nn as nn
from transformers import BertModel


class TextClassification(nn.Module):
    def __init__(self, checkpoint, freeze):
        super(TextClassification, self).__init__()
        self.encoder = BertModel.from_pretrained(checkpoint)
        if freeze == "1":
            self.encoder.embeddings.word_embeddings.requires_grad_(False)
        if freeze == "2":
            self.encoder.embeddings.requires_grad_(False)
        if freeze == "3":
            self.encoder.embeddings.requires_grad_(False)
            self.encoder.encoder.requires_grad_(False)
        self.classifier = nn.Linear(self.encoder.config.hidden_size, 1)


net = TextClassification("bert-base-cased", freeze="3")
