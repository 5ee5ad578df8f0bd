"""Draws: which modules of a model draw random numbers in a forward pass, found while it runs on the meta device."""

from __future__ import annotations

import sys
from types import FrameType

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode


class Draws(TorchDispatchMode):
    """Notes the module whose code asks for random numbers, however deep the function is that draws them.

    That is the innermost `self` on Python's stack that is a module of this model: dropout by `F.dropout`, in an
    attention's kernel or by a mask that somebody draws, whoever calls the method.

    Attributes:
        paths: of these modules.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.paths: set[str] = set()
        self._path_of = {id(module): path for path, module in model.named_modules()}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if torch.Tag.nondeterministic_seeded in function.tags:
            self._note()
        return function(*args, **(kwargs or {}))

    def _note(self) -> None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            path = self._path_of.get(id(frame.f_locals.get("self")))
            if path is not None:
                self.paths.add(path)
                return
            frame = frame.f_back
