# seen: shenmishajing/lightning_template docs/core/model.md
# model: timm:resnet18
# read: model
finetune_cfg = dict(finetune=True, params=["layer1", "fc"])
if isinstance(finetune_cfg, list):
    finetune_cfg = dict(params=finetune_cfg)
params = finetune_cfg["params"]
if isinstance(params, str):
    params = [params]
for name, param in model.named_parameters():
    matched = any(name.startswith(p) for p in params)
    param.requires_grad = matched if finetune_cfg.get("finetune", True) else not matched
