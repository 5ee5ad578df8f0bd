# seen: ludwig-ai/ludwig ludwig/modules/gradual_unfreezer.py
# model: bert
# read: model
class GradualUnfreezerConfig:
    thaw_epochs = [0, 1, 2]
    layers_to_thaw = [["classifier"], ["bert.pooler", "bert.encoder.layer.11"], ["bert.encoder.layer.10"]]


class GradualUnfreezer:
    def __init__(self, config, model):
        self.config = config
        self.model = model
        self.thaw_epochs = self.config.thaw_epochs
        self.layers_to_thaw = self.config.layers_to_thaw
        self.freeze_before_training()
        self.layers = dict(zip(self.thaw_epochs, self.layers_to_thaw))

    def freeze_before_training(self):
        for p in self.model.parameters():
            p.requires_grad_(False)

    def thaw(self, current_epoch):
        if current_epoch in self.layers:
            for layer in self.layers[current_epoch]:
                self.thaw_parameter(layer)

    def thaw_parameter(self, layer):
        layer_exists = False
        for name, p in self.model.named_parameters():
            if layer in str(name):
                p.requires_grad_(True)
                layer_exists = True
        if not layer_exists:
            raise ValueError(f"Layer type {layer} doesn't exist within model architecture")


unfreezer = GradualUnfreezer(GradualUnfreezerConfig(), model)
for epoch in range(3):
    unfreezer.thaw(epoch)
