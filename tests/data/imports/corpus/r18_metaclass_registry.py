# seen: ours
# model: timm:resnet18
# read: model
class Meta(type):
    known = {}

    def __new__(mcs, name, bases, space):
        kind = super().__new__(mcs, name, bases, space)
        mcs.known[name.lower()] = kind
        return kind


class Base(metaclass=Meta):
    parts = ()

    def run(self, m):
        for part in self.parts:
            getattr(m, part).requires_grad_(False)


class Stem(Base):
    parts = ("conv1", "bn1")


class Body(Base):
    parts = ("layer1", "layer2")


for key in ("stem", "body"):
    Meta.known[key]().run(model)
