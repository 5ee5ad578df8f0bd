# seen: ours
# model: timm:resnet18
# read: model
def configure(target, **flags):
    for name, flag in flags.items():
        for p in getattr(target, name).parameters():
            setattr(p, "requires_" + "grad", flag)


configure(model, layer1=False, layer2=False, **{f"layer{i}": i == 4 for i in (3, 4)})
