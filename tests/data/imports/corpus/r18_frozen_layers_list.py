# seen: wenh18/on-device-nas DataAware/tools/frozen_layers.py
# model: timm:resnet18
# read: model
def frozen_layers(model):
    for layer in [model.layer1, model.layer2]:
        for _, value in layer.named_parameters():
            value.requires_grad = False
    model.conv1.weight.requires_grad = False
    model.bn1.weight.requires_grad = False
    model.bn1.bias.requires_grad = False
    for name, value in model.named_parameters():
        if "downsample" in name or "bn" in name or "3.0" in name or "pre" in name:
            value.requires_grad = False
    return model

model = frozen_layers(model)
