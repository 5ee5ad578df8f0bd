# seen: steve-bakos/nlp_project multilingual_eval/models/partial_freezes.py
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification
from transformers.models.bert.modeling_bert import BertPreTrainedModel

def bitfit(model: BertPreTrainedModel, encoder_getter=None):
    if isinstance(model, BertPreTrainedModel):
        for name, param in model.bert.named_parameters():
            if not name.endswith(".bias"):
                param.requires_grad = False
    return model

model = bitfit(AutoModelForSequenceClassification.from_pretrained("bert-base-cased"))
