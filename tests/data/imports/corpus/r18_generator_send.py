# seen: ours
# model: timm:resnet18
# read: model
def walker(module):
    for p in module.parameters():
        flag = yield
        p.requires_grad = flag


w = walker(model.layer1)
next(w)
for i in range(len(list(model.layer1.parameters()))):
    try:
        w.send(i % 2 == 0)
    except StopIteration:
        break
