# seen: ours
# model: bert
# read: model
# framework: cb.on_epoch_begin(None, types.SimpleNamespace(epoch=2), None, model=model)
from transformers import TrainerCallback


class Unfreeze(TrainerCallback):

    def __init__(self, at=2):

        self.at = at

    def on_train_begin(self, args, state, control, model=None, **kwargs):

        pass

    def on_epoch_begin(self, args, state, control, model=None, **kwargs):

        if state.epoch >= self.at:

            for p in model.bert.encoder.layer[-1].parameters():

                p.requires_grad = True


for p in model.bert.parameters():
    p.requires_grad = False
cb = Unfreeze()
