# seen: dakshshah03/SLT src/model/callbacks.py, its epochs as a loop
# model: bert
# read: model
class LayerUnfreeze:
    def __init__(self, delay_start, epoch_step):
        self.delay_start, self.epoch_step, self.unfrozen_layers = delay_start, epoch_step, 0

    def on_epoch_begin(self, model, current_epoch):
        num_layers = len(model.bert.encoder.layer)
        if self.unfrozen_layers >= num_layers:
            return
        effective_epoch = current_epoch - self.delay_start
        if effective_epoch >= 0 and effective_epoch % self.epoch_step == 0:
            self.unfrozen_layers += 1
            for i in range(1, num_layers + 1):
                if i > num_layers - self.unfrozen_layers:
                    for param in model.bert.encoder.layer[i - 1].parameters():
                        param.requires_grad = True

for param in model.bert.parameters():
    param.requires_grad = False
callback = LayerUnfreeze(delay_start=1, epoch_step=2)
for epoch in range(7):
    callback.on_epoch_begin(model, epoch)
