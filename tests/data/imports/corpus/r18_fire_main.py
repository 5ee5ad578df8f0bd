# seen: ours
# model: timm:resnet18
# read: holder["model"]
from torchvision import models

holder = {}


def main(freeze: str = "layer1,layer2", lr: float = 1e-3):
    model = models.resnet18()
    for name in freeze.split(","):
        for p in getattr(model, name).parameters():
            p.requires_grad = False
    holder["model"] = model


main()
