# seen: ours
# model: timm:resnet18
# read: model
total = sum(p.numel() for p in model.parameters())
budget, spent = total * 0.1, 0
names = [n for n, _ in model.named_parameters()]
lookup = dict(model.named_parameters())
while names and spent + lookup[names[0]].numel() <= budget:
    name = names.pop(0)
    spent += lookup[name].numel()
    lookup[name].requires_grad = False
