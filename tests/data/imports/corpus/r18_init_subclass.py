# seen: ours
# model: timm:resnet18
# read: model
class Plugin:
    registry = []

    def __init_subclass__(cls, order=0, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.registry.append((order, cls))


class A(Plugin, order=2):
    def go(self, m):
        m.layer1.requires_grad_(True)


class B(Plugin, order=1):
    def go(self, m):
        m.requires_grad_(False)


for _, kind in sorted(Plugin.registry, key=lambda item: item[0]):
    kind().go(model)
