"""Small models, most named for their trouble, that a `py:` source can open."""

import torch
from torch import Tensor, nn


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm(self.conv(x)).relu()


class Plain(nn.Module):
    """A stem, four blocks, a head; reads pictures of digits."""

    def __init__(self, outputs: int = 10) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(*(Block(8) for _ in range(4)))
        self.head = nn.Linear(8, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


class Counting(nn.Module):
    """Counts its own calls in a buffer, whatever mode it is in: a freeze that leaks."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.block(x)


class Headless(Plain):
    """Gives feature maps, not scores."""

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.stem(x))


def plain() -> nn.Module:
    return Plain()


def counting() -> nn.Module:
    model = Plain()
    model.blocks[1] = Counting(model.blocks[1])
    return model


def headless() -> nn.Module:
    return Headless()


def two_classes() -> nn.Module:
    return Plain(outputs=2)
