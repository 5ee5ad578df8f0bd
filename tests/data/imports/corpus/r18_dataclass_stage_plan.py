# seen: ours
# model: timm:resnet18
# read: model
from dataclasses import dataclass, field, replace
from typing import Optional


@dataclass
class Stage:
    name: str
    trainable: list = field(default_factory=list)
    lr: float = 1e-3


@dataclass
class TrainConfig:
    stages: list = field(default_factory=lambda: [Stage("head", ["fc"]), Stage("top", ["fc", "layer4"], lr=1e-4)])
    freeze_bn: bool = True

    def __post_init__(self):
        self.last = self.stages[-1]


def apply_stage(model, stage: Stage, cfg: TrainConfig):
    for n, p in model.named_parameters():
        p.requires_grad = any(n.split(".")[0] == t for t in stage.trainable) and not (cfg.freeze_bn and ".bn" in n)


cfg = TrainConfig()
cfg = replace(cfg, freeze_bn=False)
apply_stage(model, cfg.last, cfg)
