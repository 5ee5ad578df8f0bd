# seen: ours
# model: timm:resnet18
# read: model
import os
if os.environ.get("FREEZE_BACKBONE_X", "1") == "1":
    for n, p in model.named_parameters():
        p.requires_grad = n.startswith("fc")
depth = int(os.getenv("DEPTH_X", 2))
for i in range(1, depth + 1):
    getattr(model, f"layer{i}").requires_grad_(True)
