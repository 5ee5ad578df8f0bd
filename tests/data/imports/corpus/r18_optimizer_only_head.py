# seen: ours
# model: timm:resnet18
# read: model
import torch
params = [p for n, p in model.named_parameters() if n.startswith("fc")]
optimizer = torch.optim.SGD(params, lr=0.01)
for p in set(model.parameters()) - set(params):
    p.requires_grad = False
