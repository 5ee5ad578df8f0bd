# seen: xljh0520/note optim.py
# model: timm:resnet18
# read: net
import torch
base_params = list(map(id, net.layer4.parameters()))
logits_params = filter(lambda p: id(p) not in base_params, net.parameters())
for p in logits_params:
    p.requires_grad_(False)
params = [{"params": net.layer4.parameters(), "lr": 0.001}]
optimizer = torch.optim.SGD(params, momentum=0.9, weight_decay=5e-4)
