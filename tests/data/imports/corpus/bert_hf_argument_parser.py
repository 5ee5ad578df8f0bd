# seen: huggingface/transformers examples/pytorch/text-classification/run_glue.py
# model: bert
# read: model
from dataclasses import dataclass, field
from transformers import AutoModelForSequenceClassification, HfArgumentParser, TrainingArguments


@dataclass
class ModelArguments:
    model_name_or_path: str = field(default="bert-base-uncased", metadata={"help": "Path to a model"})
    freeze_layers: int = field(default=3)


parser = HfArgumentParser((ModelArguments,))
model_args = ModelArguments()
model = AutoModelForSequenceClassification.from_pretrained(model_args.model_name_or_path)
for layer in model.bert.encoder.layer[: model_args.freeze_layers]:
    for p in layer.parameters():
        p.requires_grad = False
