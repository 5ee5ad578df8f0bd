# seen: public code search: DINO(num_freeze_layers) from torch.hub
# model: timm:vit_tiny_patch16_224
# read: net.backbone
import logging
from pprint import pformat

import torch
from torch import Tensor, nn


class DINO(nn.Module):
    def __init__(self, num_freeze_layers: int = 0):
        super().__init__()
        self.backbone = torch.hub.load("facebookresearch/dinov2", "dinov2_vits14_reg")
        if num_freeze_layers == 0:
            logging.info("[DINO] Not freezing any layers of backbone")
        elif num_freeze_layers < 0:
            for param in self.backbone.parameters():
                param.requires_grad = False
        else:
            logging.info(f"[DINO] Freezing first {num_freeze_layers} layers of backbone")
            stages = [self.backbone.patch_embed, *self.backbone.blocks[:num_freeze_layers]]
            for stage in stages:
                for param in stage.parameters():
                    param.requires_grad = False
            self.backbone.cls_token.requires_grad = False
            self.backbone.pos_embed.requires_grad = False
        frozen = [n for n, p in self.backbone.named_parameters() if not p.requires_grad]
        logging.info(pformat(frozen))

    def forward(self, images: Tensor) -> Tensor:
        return self.backbone.forward_features(images)["x_norm_patchtokens"]


net = DINO(num_freeze_layers=9)
