# seen: JDAI-CV/fast-reid issues/178
# model: timm:resnet18
# read: model
import torch

FREEZE = ["conv1", "layer1"]
params = []
for key, value in model.named_parameters():
    if not value.requires_grad:
        continue
    freeze = any(key.startswith(name) for name in FREEZE)
    params += [{"name": key, "params": [value], "lr": 0.0 if freeze else 1e-3, "freeze": freeze}]
optimizer = torch.optim.Adam(params)
