# seen: ours
# model: timm:resnet18
# read: model
from types import SimpleNamespace
cfg = SimpleNamespace(**{"freeze_to": "layer3", "bn": True})
on = False
for name, child in model.named_children():
    on = on or name == getattr(cfg, "freeze_to", None)
    for m in child.modules():
        for pn, p in m.named_parameters(recurse=False):
            p.requires_grad_(on or (cfg.bn and type(m).__name__.startswith("BatchNorm")))
