# seen: drivendataorg/boem-belugas-runtime whaledo/models/meta/ft.py
# model: timm:vit_tiny_patch16_224
# read: meta.model
from dataclasses import dataclass

import timm


@dataclass(unsafe_hash=True)
class MetaModel:
    model: object

    def __post_init__(self) -> None:
        self.ready = True


@dataclass(unsafe_hash=True)
class BitFit(MetaModel):
    def __post_init__(self) -> None:
        for name, param in self.model.named_parameters():
            if "bias" not in name:
                param.requires_grad_(False)
        super().__post_init__()


meta = BitFit(timm.create_model("vit_tiny_patch16_224"))
