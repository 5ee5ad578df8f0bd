"""ProofCallback: the proof that a freeze held, inside Hugging Face's Trainer or Lightning's, epoch by epoch."""

from __future__ import annotations

import sys
import warnings

from torch import nn

from freezecore.errors import ProofError
from freezecore.probe import Proof
from freezecore.runtime.own.proof import ProofCheck, mask_of
from freezecore.runtime.own.wrappers import unwrapped


class ProvingCallback:
    """Remembers at an epoch's beginning what is frozen then, and compares at its end.

    Give it last, after callbacks that freeze or unfreeze. The selection may change from epoch to epoch.

    Attributes:
        proofs: one for each epoch that has ended.
    """

    def __init__(self) -> None:
        super().__init__()
        self.proofs: list[Proof] = []
        self._check: ProofCheck | None = None

    def on_epoch_begin(self, args, state, control, **given) -> None:
        """Hugging Face's Trainer begins an epoch."""
        self._remember(given["model"])

    def on_epoch_end(self, args, state, control, **given) -> None:
        """Hugging Face's Trainer ends an epoch; raises ProofError where something frozen moved."""
        self._compare(given["optimizer"])

    def on_train_epoch_start(self, trainer, pl_module) -> None:
        """Lightning's Trainer begins an epoch."""
        self._remember(pl_module)

    def on_train_epoch_end(self, trainer, pl_module) -> None:
        """Lightning's Trainer ends an epoch; raises ProofError where something frozen moved."""
        self._compare(trainer.optimizers[0])

    def on_train_end(self, *given, **named) -> None:
        """Both trainers call this name, with different arguments; there is nothing left to do."""

    def _remember(self, model: nn.Module) -> None:
        self._check = ProofCheck(model := unwrapped(model), mask_of(model))

    def _compare(self, optimizer) -> None:
        if self._check is None:
            return
        found = self._check.verify(optimizer)
        self.proofs.append(found)
        if not found.ok:
            raise ProofError(found.sentence(), found.remedy())
        if found.beside:
            warnings.warn(found.note(), stacklevel=2)


def proof_callback() -> ProvingCallback:
    """A ProofCallback for the trainers that are imported already: Hugging Face's, Lightning's, or both."""
    bases = [
        getattr(sys.modules[module], name)
        for module, name in (
            ("transformers", "TrainerCallback"),
            ("lightning.pytorch", "Callback"),
            ("pytorch_lightning", "Callback"),
        )
        if module in sys.modules
    ]
    return type("ProofCallback", (ProvingCallback, *dict.fromkeys(bases)), {})()
