# seen: ours
# model: timm:resnet18
# read: model
for p in model.layer1.parameters():
    p.requires_grad = bool("")
for p in model.layer2.parameters():
    p.requires_grad = not any([])
model.layer3.requires_grad_(requires_grad=False)
