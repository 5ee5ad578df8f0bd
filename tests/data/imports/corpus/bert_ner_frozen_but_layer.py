# seen: public code search: NERClassifier(bert, tot_labels, frozen)
# model: bert
# read: net.bert
from torch.nn import Module
from transformers import BertForSequenceClassification


class NERClassifier(Module):
    def __init__(self, bert: str, tot_labels: int, frozen: bool = True):
        super(NERClassifier, self).__init__()
        self.bert = BertForSequenceClassification.from_pretrained(bert, num_labels=tot_labels)
        if frozen:
            for name, param in self.bert.bert.named_parameters():
                if not name.startswith("encoder.layer.11"):
                    param.requires_grad = False


net = NERClassifier("bert-base-uncased", 9)
