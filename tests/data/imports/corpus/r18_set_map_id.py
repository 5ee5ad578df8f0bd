# seen: czyczyyzc/CondLSTR solver/optimizer.py
# model: timm:resnet18
# read: model
import torch
import torchvision

model = torchvision.models.resnet18(pretrained=True)
base_param_ids = set(map(id, model.layer1.parameters())) | set(map(id, model.layer2.parameters()))
new_params = [p for p in model.parameters() if id(p) not in base_param_ids]
for p in model.parameters():
    p.requires_grad_(id(p) not in base_param_ids)
param_groups = [
    {"params": model.layer1.parameters(), "lr_mult": 0.1},
    {"params": new_params, "lr_mult": 1.0},
]
