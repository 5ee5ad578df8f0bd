# seen: ours
# model: timm:resnet18
# read: model
import yaml

CONFIG = """
freeze:
  - conv1
  - layer1
"""
config = yaml.safe_load(CONFIG)
for n, p in model.named_parameters():
    if any(n.startswith(f) for f in config["freeze"]):
        p.requires_grad = False
