# seen: ours
# model: timm:resnet18
# read: model
FROZEN = frozenset({"conv1", "bn1"})
for name, module in model.named_children():
    match name.partition("r"):
        case (head, _, "1") if head == "laye":
            module.requires_grad_(False)
        case _ if name in FROZEN:
            for p in module.parameters():
                p.requires_grad = False
        case ("laye", "r", number):
            if int(number) == 2:
                module[0].requires_grad_(False)
        case _:
            pass
