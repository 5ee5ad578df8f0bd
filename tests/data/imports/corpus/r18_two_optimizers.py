# seen: ours
# model: timm:resnet18
# read: model
import torch
body = torch.optim.SGD(model.layer4.parameters(), lr=1e-4)
head = torch.optim.SGD(model.fc.parameters(), lr=1e-2)
for group in body.param_groups + head.param_groups:
    for p in group["params"]:
        p.requires_grad = True
known = {id(p) for o in (body, head) for g in o.param_groups for p in g["params"]}
for p in model.parameters():
    if id(p) not in known:
        p.requires_grad = False
