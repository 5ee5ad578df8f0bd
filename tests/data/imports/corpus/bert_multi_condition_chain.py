# seen: ours
# model: bert
# read: model
keep = 0
for name, param in model.named_parameters():
    low = name.lower()
    if ".layernorm." in low and not low.endswith("bias"):
        continue
    elif "encoder.layer" in name and 4 <= int(name.split(".")[3]) <= 7:
        keep += 1
        if keep % 3:
            continue
    elif name in ("classifier.weight", "classifier.bias"):
        continue
    param.requires_grad = False
