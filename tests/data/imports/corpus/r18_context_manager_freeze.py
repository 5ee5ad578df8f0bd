# seen: ours
# model: timm:resnet18
# read: model
from contextlib import contextmanager


@contextmanager
def frozen(module):
    before = [p.requires_grad for p in module.parameters()]
    module.requires_grad_(False)
    try:
        yield module
    finally:
        for p, b in zip(module.parameters(), before):
            p.requires_grad = b


with frozen(model.layer1) as part:
    model.layer2.requires_grad_(part.conv1.weight.requires_grad if hasattr(part, "conv1") else False)
