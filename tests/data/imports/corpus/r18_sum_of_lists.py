# seen: ours
# model: timm:resnet18
# read: model
parts = sum([list(model.layer1.children()), list(model.layer2.children())], [])
for part, flag in zip(parts, [False, True] * len(parts)):
    part.requires_grad_(flag)
sizes = sorted(((p.numel(), n) for n, p in model.named_parameters()), reverse=True)
biggest = {n for _, n in sizes[:3]}
dict(model.named_parameters())[min(biggest)].requires_grad = False
