"""Ultralytics: a model whose trainer freezes by number, thaws all else, and calls the functions that a script adds."""

from __future__ import annotations

import re

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import framework
from freezecore.importing.execution.standins.framework import Partial
from freezecore.importing.execution.standins.library import stated
from freezecore.importing.execution.standins.model import built
from freezecore.importing.execution.standins.module import Module
from freezecore.importing.execution.unknown import Unknown

BEFORE = ("on_pretrain_routine_end", "on_train_start")
EACH = ("on_train_epoch_start", "on_train_batch_start")
AFTER = ("on_train_batch_end", "on_train_epoch_end", "on_fit_epoch_end")


class Trainer(Partial):
    """What a callback is handed."""

    epoch = property(lambda self: now().epoch or 0)

    def __init__(self, model) -> None:
        self.model = model


class Yolo(Partial):
    """`YOLO("yolo11n.pt")`, `RTDETR(...)`."""

    def __init__(self, model=None, *args, **kwargs) -> None:
        self.model, self._fx_added = built(model, "ultralytics"), {}

    def load(self, *args, **kwargs) -> Yolo:
        return self

    def add_callback(self, event, func) -> None:
        self._fx_added.setdefault(event, []).append(func)

    def train(self, *args, epochs=100, freeze=None, lr0=None, **kwargs) -> None:
        stated(epochs=epochs, learning_rate=lr0)
        if isinstance(self.model, Module):
            set_up(self.model, freeze)
        trainer = Trainer(self.model)

        def call(*events: str) -> None:
            for each in (each for event in events for each in self._fx_added.get(event, ())):
                each(trainer)

        call(*BEFORE)
        framework.epochs(epochs, lambda epoch: call(*EACH), lambda epoch: call(*AFTER))


def set_up(model, freeze) -> None:
    """These layers and the distribution's own are frozen, and whatever else a script froze trains."""
    if type(freeze) is Unknown:
        model.requires_grad_(freeze)
        return
    layers = freeze if isinstance(freeze, (list, tuple)) else range(freeze) if isinstance(freeze, int) else ()
    names = [f"model.{layer}." for layer in layers] + [".dfl"]
    numbered = any(re.match(r"(model\.)+\d+\.", name) for name, _ in model.named_parameters())
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not (numbered and any(part in name for part in names)))


NAMES = {f"ultralytics.{name}": Yolo for name in ("YOLO", "RTDETR", "YOLOWorld", "YOLOE")}
