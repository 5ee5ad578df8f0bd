"""`lightning.LightningModule`: a module that its trainer tells the epoch."""

from __future__ import annotations

from types import SimpleNamespace

from freezecore.importing.execution.run import now, pasted_locals
from freezecore.importing.execution.standins.module import Module
from freezecore.importing.execution.unknown import Unknown


class LightningModule(Module):
    """A module that knows the epoch it is in."""

    current_epoch = property(lambda self: now().epoch or 0)

    def save_hyperparameters(self, *names, **kwargs) -> None:
        """Keeps what `__init__` was given as `hparams`."""
        self.hparams = SimpleNamespace(**{key: value for key, value in pasted_locals().items() if key != "self"})

    def freeze(self, value: bool = False) -> None:
        now().kind = "lightning"
        self.requires_grad_(value)

    def unfreeze(self) -> None:
        self.freeze(True)

    def _fx_lacking(self, name: str):
        return Unknown(name, True)
