# seen: ours
# model: timm:resnet18
# read: model
import re
PLAN = """
layer1   : off
layer2.0 : off   # only the first
fc       : on
"""
plan = dict(re.findall(r"^(\S+)\s*:\s*(on|off)", PLAN, re.M))
for n, p in model.named_parameters():
    hit = max((k for k in plan if n.startswith(k)), key=len, default=None)
    if hit:
        p.requires_grad = plan[hit] == "on"
