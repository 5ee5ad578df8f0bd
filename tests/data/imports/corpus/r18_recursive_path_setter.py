# seen: ours
# model: timm:resnet18
# read: model
def rgetattr(obj, path, *default):
    head, _, rest = path.partition(".")
    try:
        value = obj[int(head)] if head.isdigit() else getattr(obj, head)
    except (AttributeError, IndexError):
        if default:
            return default[0]
        raise
    return rgetattr(value, rest, *default) if rest else value


for path in ("layer1.0.conv1", "layer1.1", "layer9.0", "layer4.7", "fc"):
    part = rgetattr(model, path, None)
    if part is not None:
        for p in part.parameters():
            p.requires_grad = False
