# seen: hiennguyen9874/person-attribute-recognition callbacks/freeze_layers.py
# model: timm:resnet18
# read: model
class FreezeLayers(object):
    def __init__(self, model, freeze_layers, freeze_epochs):
        self.freeze_layers, self.freeze_epochs, self.model = freeze_layers, freeze_epochs, model

    def _set(self, value):
        for name, module in self.model.named_children():
            if name in self.freeze_layers:
                for param in module.parameters():
                    param.requires_grad = value

    def on_epoch_begin(self, epoch):
        if epoch == 1:
            self._set(False)
        if epoch == self.freeze_epochs:
            self._set(True)

callback = FreezeLayers(model, ["conv1", "bn1", "layer2"], 9)
for epoch in range(1, 6):
    callback.on_epoch_begin(epoch)
