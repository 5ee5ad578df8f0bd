# seen: ours
# model: timm:resnet18
# read: model
import torch
state = torch.load("ckpt.pt") if False else {k: v for k, v in model.state_dict().items() if not k.startswith("fc")}
missing = model.load_state_dict(state, strict=False)
for n, p in model.named_parameters():
    if n in state:
        p.requires_grad = False
