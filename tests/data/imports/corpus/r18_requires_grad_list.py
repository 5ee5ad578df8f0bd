# seen: ultralytics/yolov3 issues/1301
# model: timm:resnet18
# read: model
frozen = [model.conv1, model.bn1, model.layer1]
_ = [m.requires_grad_(False) for m in frozen]
list(map(lambda p: p.requires_grad_(False), model.layer2.parameters()))
any(p.requires_grad_(False) is None for p in model.layer3[0].parameters())
all(p.requires_grad_(False) is not None for p in model.layer3[1].bn1.parameters())
