# seen: ours
# model: timm:resnet18
# read: model
from typing import NamedTuple


class Plan(NamedTuple):
    path: str
    train: bool = False


PLANS = [Plan("layer1"), Plan("layer2", True), Plan("layer3")._replace(train=True), Plan(path="layer4")]
for path, train in PLANS:
    model.get_submodule(path).requires_grad_(train)
