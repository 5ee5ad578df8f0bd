# seen: ours
# model: timm:resnet18
# read: model
class Done(Exception):
    pass


try:
    for i, (n, p) in enumerate(model.named_parameters()):
        if n.startswith("layer3"):
            raise Done(i)
        p.requires_grad = False
except Done as error:
    count = error.args[0]
else:
    model.requires_grad_(True)
finally:
    model.fc.bias.requires_grad = False
for p in list(model.parameters())[:count:2]:
    p.requires_grad = True
