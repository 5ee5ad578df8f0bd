# seen: public code search: --freeze_models with BooleanOptionalAction
# model: bert
# read: model
import argparse
from transformers import AutoModelForSequenceClassification
parser = argparse.ArgumentParser()
parser.add_argument('--min_lr', type=float, default=1e-7, help='Minimum learning rate')
parser.add_argument('--roberta_unfreeze_layers', type=int, default=3, help='last layers to unfreeze')
parser.add_argument('--freeze_models', default=True, action=argparse.BooleanOptionalAction)
args = parser.parse_args([])
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
if args.freeze_models:
    for p in model.bert.parameters():
        p.requires_grad = False
    for layer in model.bert.encoder.layer[-args.roberta_unfreeze_layers:]:
        for p in layer.parameters():
            p.requires_grad = True
