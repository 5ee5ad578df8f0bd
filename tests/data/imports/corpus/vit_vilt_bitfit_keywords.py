# seen: public code search: ViltBitFitClassifier._apply_bitfit
# model: timm:vit_tiny_patch16_224
# read: net.vit
from __future__ import annotations

from typing import Iterable, Tuple

import timm
import torch.nn as nn


class Classifier(nn.Module):
    def __init__(self, model_name: str = "vit_tiny_patch16_224", num_labels: int = 2, dropout: float = 0.1):
        super().__init__()
        self.vit = timm.create_model(model_name, num_classes=num_labels)


class BitFitClassifier(Classifier):
    def __init__(self, bias_keywords: Tuple[str, ...] = ("bias",), train_classifier_head: bool = True, **kwargs) -> None:
        super().__init__(**kwargs)
        self._apply_bitfit(bias_keywords=bias_keywords, train_classifier_head=train_classifier_head)

    def _apply_bitfit(self, *, bias_keywords: Iterable[str], train_classifier_head: bool) -> None:
        for name, parameter in self.vit.named_parameters():
            keep = any(keyword in name for keyword in bias_keywords)
            if train_classifier_head and name.startswith("head."):
                keep = True
            parameter.requires_grad = keep


net = BitFitClassifier(num_labels=3)
