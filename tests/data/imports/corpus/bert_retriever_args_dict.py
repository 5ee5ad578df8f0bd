# seen: public code search: Retriever.freeze_encoder by args['freeze_layers']
# model: bertbase
# read: net.encoder
import torch.nn as nn
from transformers import AutoModel

args = {"model_name": "bert-base-uncased", "freeze_layers": 6}


class Retriever(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.encoder = AutoModel.from_pretrained(args["model_name"])
        self.args = args
        self.freeze_encoder()

    def freeze_encoder(self):
        if self.args["freeze_layers"] > 0:
            modules = [self.encoder.embeddings, self.encoder.encoder.layer[: self.args["freeze_layers"]]]
            for module in modules:
                for param in module.parameters():
                    param.requires_grad = False


net = Retriever(args)
