# seen: ours
# model: timm:resnet18
# read: t.model
import torch
from torch import nn
from torchvision import models


class Trainer:
    def __init__(self, epochs=6, warmup=2, device="cpu"):
        self.epochs, self.warmup, self.device = epochs, warmup, device
        self.model = self._build()
        self.optimizer = torch.optim.AdamW(self.trainable(), lr=1e-3)
        self.criterion = nn.CrossEntropyLoss()

    def _build(self):
        model = models.resnet18(weights="IMAGENET1K_V1")
        model.fc = nn.Linear(model.fc.in_features, 3)
        for n, p in model.named_parameters():
            p.requires_grad = "fc" in n
        return model.to(self.device)

    def trainable(self):
        return (p for p in self.model.parameters() if p.requires_grad)

    def unfreeze(self, *names):
        for name in names:
            for p in getattr(self.model, name).parameters():
                p.requires_grad = True
        self.optimizer = torch.optim.AdamW(self.trainable(), lr=1e-4)

    def run_epoch(self, epoch):
        self.model.train()

    def fit(self):
        for epoch in range(self.epochs):
            if epoch == self.warmup:
                self.unfreeze("layer4")
            elif epoch == self.warmup * 2:
                self.unfreeze("layer3", "layer2")
            self.run_epoch(epoch)


t = Trainer()
t.fit()
