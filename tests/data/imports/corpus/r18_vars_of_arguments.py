# seen: ours
# model: timm:resnet18
# read: model
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--freeze", nargs="*", default=["layer1", "bn1"])
parser.add_argument("--head", default="fc")
config = vars(parser.parse_args([]))


class Plan:
    def __init__(self):
        self.layer2 = False


for path in config["freeze"]:
    model.get_submodule(path).requires_grad_(False)
for path, flag in vars(Plan()).items():
    getattr(model, path).requires_grad_(flag)
vars(model).pop("anything", None)
