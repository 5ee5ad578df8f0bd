# seen: ours
# model: timm:resnet18
# read: model
for layer in model.children():
    layer.trainable = False
model.fc.trainable = True
for p in model.conv1.parameters():
    p.requires_grad = False
