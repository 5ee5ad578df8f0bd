# seen: ours
# model: timm:resnet18
# read: model
STEM, BODY, HEAD = 1, 2, 4
mask = STEM | HEAD
for n, p in model.named_parameters():
    kind = HEAD if n.startswith("fc") else BODY if n.startswith("layer") else STEM
    p.requires_grad = bool(kind & mask)
