# seen: public code search: FSTrainer(Trainer).freeze_model
# model: bert
# read: trainer.model
from types import SimpleNamespace
from transformers import AutoModelForSequenceClassification, Trainer


class FSTrainer(Trainer):
    def __init__(self, model, fs_args, **kwargs):
        super().__init__(model=model, **kwargs)
        self.model = model
        self.freeze_model(freeze_modules=fs_args.freeze_modules, backbone_freeze_at=fs_args.layers)

    def freeze_model(self, freeze_modules=("bert",), backbone_freeze_at=0):
        for name, parameter in self.model.named_parameters():
            if name.split(".")[0] not in freeze_modules:
                continue
            if backbone_freeze_at == 0:
                parameter.requires_grad = False
            elif "encoder.layer." in name and int(name.split("encoder.layer.")[1].split(".")[0]) < backbone_freeze_at:
                parameter.requires_grad = False


args = SimpleNamespace(freeze_modules=["bert"], layers=4)
trainer = FSTrainer(AutoModelForSequenceClassification.from_pretrained("bert-base-uncased"), args)
