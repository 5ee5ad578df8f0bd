# seen: ours
# model: timm:resnet18
# read: model
# framework: main(types.SimpleNamespace(model=types.SimpleNamespace(name="resnet18", freeze_backbone=False)))
import hydra
import torch
from omegaconf import DictConfig
from torchvision import models


@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg: DictConfig):
    global model
    model = models.resnet18()
    for name, param in model.named_parameters():
        if not name.startswith("fc"):
            param.requires_grad = not cfg.model.freeze_backbone
    model.conv1.requires_grad_(False)


if __name__ == "__main__":
    pass
