"""Lightning: its trainer, which calls the hooks of modules and callbacks."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import framework
from freezecore.importing.execution.standins.framework import Partial, hook, listed
from freezecore.importing.execution.standins.library import resolved, stated
from freezecore.importing.execution.standins.lightning_finetuning import (
    BackboneFinetuning,
    BaseFinetuning,
    LightningCallback,
)
from freezecore.importing.execution.standins.lightning_module import LightningModule
from freezecore.importing.execution.standins.module import Module
from freezecore.importing.execution.unknown import Unknown

BEFORE = ("finetune_function", "on_epoch_start", "on_train_epoch_start", "on_train_batch_start")
AFTER = ("on_train_epoch_end", "on_epoch_end")


@framework.seen_as("Trainer")
class LightningTrainer(Partial):
    """`Trainer(...).fit(module)` calls the hooks that freeze, epoch by epoch."""

    current_epoch = property(lambda self: now().epoch or 0)

    def __init__(self, *args, max_epochs=None, callbacks=None, precision=None, **kwargs) -> None:
        self.max_epochs, self.callbacks = max_epochs, listed(callbacks)
        half = framework.half("bf16" in str(precision), "16" in str(precision))
        stated(epochs=max_epochs, precision=half if isinstance(precision, (str, int)) else None)
        now().pending.append(self)
        now().handed += self.callbacks

    def fit(self, model=None, *args, **kwargs) -> None:
        framework.begun(self)
        held = model if isinstance(model, Module) else None
        parts = [each for each in (*self.callbacks, model) if isinstance(each, (LightningCallback, LightningModule))]
        self.optimizers = [Unknown("optimizer", True)]
        if held is not None:
            vars(held)["trainer"] = self

        def call(*names: str) -> None:
            for name in names:
                others = {"freeze_before_training": (held,), "setup": (self, held, "fit"),
                          "finetune_function": (held, now().epoch, self.optimizers[0], 0),
                          "on_train_batch_start": (self, held, *[Unknown("batch", True)] * 2)}  # fmt: skip
                given = others.get(name, (self, held))
                for part in parts:
                    hook(part, name, *(given[2:] if part is model else given))

        call("freeze_before_training", "configure_model", "setup", "on_fit_start", "on_train_start")
        made = listed(hook(model, "configure_optimizers"))[:1] or self.optimizers
        self.optimizers = [made[0].get("optimizer") if isinstance(made[0], dict) else made[0]]
        framework.epochs(self.max_epochs, lambda epoch: call(*BEFORE), lambda epoch: call(*AFTER))

    def _fx_fit(self) -> None:
        self.fit(now().lightning())


CLASSES = {"LightningModule": LightningModule, "Callback": LightningCallback, "Trainer": LightningTrainer,
           "BaseFinetuning": BaseFinetuning, "BackboneFinetuning": BackboneFinetuning}  # fmt: skip
OTHER = (
    (r".*\.get_torchvision_model", lambda name: resolved("torchvision.models.get_model")),
    (rf"lightning\.(.*\.)?({'|'.join(CLASSES)})", CLASSES.get),
    (r".*(EarlyStopping|ModelCheckpoint|LearningRateMonitor|RichProgressBar)", lambda name: LightningCallback),
)
