# seen: ours
# model: timm:resnet18
# read: model
for name, p in model.named_parameters():
    if name.startswith("layer1"):
        p.grad = None
        p.requires_grad = False
    p.data = p.data.clone()
