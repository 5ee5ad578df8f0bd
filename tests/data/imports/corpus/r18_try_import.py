# seen: ours
# model: timm:resnet18
# read: model
try:
    from some_missing_library import freeze_all
except ImportError:
    def freeze_all(module, except_for=()):
        for n, p in module.named_parameters():
            p.requires_grad = any(n.startswith(e) for e in except_for)
if False:
    freeze_all(model)
for n, p in model.named_parameters():
    p.requires_grad = any(n.startswith(e) for e in ("fc",))
