# seen: ours
# model: timm:resnet18
# read: model
import torch.nn as nn
STRATEGIES = {
    "none": lambda m: None,
    "head": lambda m: [p.requires_grad_(False) for n, p in m.named_parameters() if not n.startswith("fc")],
    "norm": lambda m: [p.requires_grad_(isinstance(x, nn.BatchNorm2d)) for x in m.modules() for p in x.parameters(recurse=False)],
}
for step in "head norm none".split():
    STRATEGIES[step](model)
