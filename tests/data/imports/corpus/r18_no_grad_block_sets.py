# seen: ours
# model: timm:resnet18
# read: model
import torch

with torch.no_grad():
    for p in model.layer1.parameters():
        p.requires_grad_(False)
    model.fc.weight.normal_(0, 0.01)
    model.fc.bias.zero_()
torch.set_grad_enabled(False)
model.layer2.requires_grad_(False)
