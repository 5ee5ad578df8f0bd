# seen: ours
# model: timm:resnet18
# read: model
import json
config = json.loads('{"freeze": ["layer1", "bn1"], "depth": {"layer2": 1}}')
for path in config["freeze"]:
    model.get_submodule(path).requires_grad_(False)
for path, upto in config["depth"].items():
    for block in model.get_submodule(path)[:upto]:
        block.requires_grad_(False)
