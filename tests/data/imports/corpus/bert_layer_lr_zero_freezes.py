# seen: ours
# model: bert
# read: model
import re
import torch
groups = {}
for n, p in model.named_parameters():
    found = re.search(r"layer\.(\d+)\.", n)
    depth = int(found.group(1)) + 1 if found else (0 if "embeddings" in n else 13)
    groups.setdefault(depth, []).append(p)
for depth in sorted(groups)[:4]:
    for p in groups[depth]:
        p.requires_grad_(False)
optimizer = torch.optim.AdamW([{"params": ps, "lr": 2e-5 * 0.9 ** (13 - d)} for d, ps in groups.items() if d > 3])
