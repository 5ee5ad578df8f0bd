# seen: HugAILab/HugNLP callback/freeze.py, its hooks called by hand
# model: bert
# read: model
from types import SimpleNamespace

class FreezeCallback:
    def __init__(self, freeze_epochs, freeze_keyword):
        self.freeze_epochs = freeze_epochs
        self.freeze_keyword = freeze_keyword.split(",")
        self.is_freeze = False

    def on_train_begin(self, state, model, **kwargs):
        if state.epoch < self.freeze_epochs:
            for name, param in model.named_parameters():
                for keyword in self.freeze_keyword:
                    if keyword in name:
                        param.requires_grad = False
            self.is_freeze = True

    def on_step_begin(self, state, model, **kwargs):
        if self.is_freeze and state.epoch > self.freeze_epochs:
            for name, param in model.named_parameters():
                if self.freeze_keyword[0] in name:
                    param.requires_grad = True
            self.is_freeze = False

callback = FreezeCallback(1.5, "embeddings,layer.0.")
callback.on_train_begin(SimpleNamespace(epoch=0), model)
for epoch in range(3):
    callback.on_step_begin(SimpleNamespace(epoch=epoch), model)
