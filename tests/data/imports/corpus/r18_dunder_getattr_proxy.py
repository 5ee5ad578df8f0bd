# seen: ours
# model: timm:resnet18
# read: model
class Proxy:
    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def __iter__(self):
        return iter(self.inner.children())

    def __call__(self, flag):
        for child in self:
            child.requires_grad_(flag)
        return self


Proxy(model.layer3)(False)
Proxy(model).layer1.requires_grad_(False)
