# seen: ours
# model: timm:resnet18
# read: model
class Controller:
    def __init__(self, module):
        self._module, self._frozen = module, None

    @property
    def frozen(self):
        return self._frozen

    @frozen.setter
    def frozen(self, value):
        self._frozen = value
        for p in self._module.parameters():
            p.requires_grad = not value

    @classmethod
    def of(cls, model, *paths):
        return [cls(model.get_submodule(path)) for path in paths]

    @staticmethod
    def count(model):
        return sum(p.requires_grad for p in model.parameters())


for controller in Controller.of(model, "layer1", "layer2.0", "bn1"):
    controller.frozen = True
if Controller.count(model) > 40:
    Controller(model.conv1).frozen = True
