# seen: gmlwns2000/sea-attention src/trainer/perlin_trainer.py
# model: bert
# read: trainer.model
from transformers import BertForSequenceClassification


class BaseTrainer:
    def __init__(self, subset="mnli", model_cls=BertForSequenceClassification, amp_enabled=True, trainer_name="bert", **kwargs):
        self.subset, self.amp_enabled, self.trainer_name = subset, amp_enabled, trainer_name
        self.model = model_cls.from_pretrained("bert-base-uncased")


class Trainer(BaseTrainer):
    def __init__(self, subset="mnli"):
        super().__init__(subset=subset, amp_enabled=False, trainer_name="perlin_trainer", using_kd=False, eval_steps=3000)
        for name, param in self.model.named_parameters():
            if "attention" in name:
                param.requires_grad = True
            else:
                param.requires_grad = False


if __name__ == "__main__":
    trainer = Trainer(subset="mnli")
