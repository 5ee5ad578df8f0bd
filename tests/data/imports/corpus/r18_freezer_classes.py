# seen: public code search: FullFreezer and NoFreezer of a visual encoder
# model: timm:resnet18
# read: model
import logging
import torch
from torch import nn

logger = logging.getLogger(__name__)


class FullFreezer:
    def __init__(self, visual_encoder: nn.Module):
        self.visual_encoder = visual_encoder

    def freeze(self):
        for param in self.visual_encoder.parameters():
            param.requires_grad = False
        self.visual_encoder.eval()

    def train(self, is_training):
        self.visual_encoder.eval()


class NoFreezer:
    def __init__(self, visual_encoder):
        pass

    def freeze(self):
        pass


class PartialFreezer(FullFreezer):
    def __init__(self, visual_encoder, free=("layer4", "fc")):
        super().__init__(visual_encoder)
        self.free = free

    def freeze(self):
        super().freeze()
        for name in self.free:
            getattr(self.visual_encoder, name).requires_grad_()


FREEZERS = {"full": FullFreezer, "none": NoFreezer, "partial": PartialFreezer}


def make_freezer(kind, encoder):
    return FREEZERS[kind](encoder)


freezer = make_freezer("partial", model)
freezer.freeze()
freezer.train(True)
