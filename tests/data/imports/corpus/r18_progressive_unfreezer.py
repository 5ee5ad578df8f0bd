# seen: public code search: ProgressiveUnfreezer(optimizer, layer_groups)
# model: timm:resnet18
# read: model
import torch
import torch.nn as nn
from torchvision.models import resnet18, ResNet18_Weights
from typing import List


class ProgressiveUnfreezer:
    def __init__(self, optimizer, layer_groups, lr_scale=0.1, patience=2):
        self.optimizer, self.layer_groups = optimizer, layer_groups
        self.lr_scale, self.patience = lr_scale, patience
        self.next_group = 0
        for group in layer_groups:
            self._set(group, False)

    @staticmethod
    def _params(group):
        return list(group.parameters()) if isinstance(group, nn.Module) else list(group)

    def _set(self, group, flag):
        for p in self._params(group):
            p.requires_grad_(flag)

    def unfreeze_next(self):
        if self.next_group >= len(self.layer_groups):
            return False
        group = self.layer_groups[self.next_group]
        self._set(group, True)
        base_lr = self.optimizer.param_groups[0]["lr"]
        self.optimizer.add_param_group({"params": self._params(group), "lr": base_lr * self.lr_scale})
        self.next_group += 1
        return True


model = resnet18(weights=ResNet18_Weights.DEFAULT)
groups = [model.layer4, model.layer3, model.layer2, model.layer1, [*model.conv1.parameters(), *model.bn1.parameters()]]
optimizer = torch.optim.AdamW(model.fc.parameters(), lr=1e-3)
unfreezer = ProgressiveUnfreezer(optimizer, groups)
unfreezer.unfreeze_next()
unfreezer.unfreeze_next()
