# seen: OctaveBorgard/recommandation_film models/models_for_npl.py
# model: bert
# read: model
import torch.nn as nn

class BertClf(nn.Module):
    def __init__(self, inner):
        super(BertClf, self).__init__()
        self.inner = inner
        for name, param in inner.named_parameters():
            if not "classifier" in name:
                param.requires_grad = False

clf = BertClf(model)
