"""Target `lightning`: a callback that freezes before the optimizer is built, and stays right on resume."""

from __future__ import annotations

from string import Template

from freezecore._export import optimizing
from freezecore._export.batches import batch_of
from freezecore._export.plan import Plan
from freezecore._export.script import epochs, script

CALLBACK = Template('''\
class Freeze(L.Callback):
    """Freezes `model` inside a LightningModule; its optimizer then takes only what trains."""

    def setup(
        self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str
    ) -> None:
$alone        freeze(pl_module.model)
$schedule
    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        groups = trainer.optimizers[0].param_groups
        held = {id(p) for group in groups for p in group["params"]}
        assert held == {id(p) for p in pl_module.parameters() if p.requires_grad}
''')

SCHEDULE = """
    def on_train_epoch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule
    ) -> None:
        self.epoch = trainer.current_epoch
        begin_epoch(pl_module.model, trainer.optimizers[0], self.epoch)

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict
    ) -> None:
        checkpoint["frozen_as_in_epoch"] = self.epoch

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict
    ) -> None:  # before the optimizer is built, which must hold what it held then
        freeze(pl_module.model, checkpoint["frozen_as_in_epoch"])
"""
ALONE = """\
        if trainer.world_size > 1:  # DDP reads requires_grad once, when it wraps
            raise RuntimeError("Gradual unfreezing needs a single process.")
"""

MODULE = Template('''\
class FineTune(L.LightningModule):
    """Trains `model` on $what."""

    def __init__(self) -> None:
        super().__init__()
        self.model = model

    def training_step(self, batch, batch_idx: int):
$step

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return $optimizer
''')

PAIR_STEP = """\
        inputs, labels = batch
        return nn.functional.cross_entropy(self.model(inputs), labels)"""
DICTIONARY_STEP = "        return self.model(**batch).loss"
CALL = Template("""\
trainer = L.Trainer(max_epochs=$epochs, callbacks=[Freeze()])
# trainer.fit(FineTune(), loader)""")


def export(plan: Plan) -> str:
    """A script with the callback `Freeze`, a LightningModule around the model, and a Trainer.

    Raises:
        ExportError: the model has no head.
    """
    batch = batch_of(plan)
    callback = CALLBACK.substitute(alone=ALONE if plan.scheduled else "", schedule=SCHEDULE if plan.scheduled else "")
    module = MODULE.substitute(
        what=batch.what,
        step=DICTIONARY_STEP if batch.dictionary else PAIR_STEP,
        optimizer=optimizing.adamw(plan, "self.model", indent=8, before=len("return ")),
    )
    needs = {"import lightning as L", "import torch", "from torch import nn"}
    body = [optimizing.check_counts(plan), CALL.substitute(epochs=epochs(plan))]
    return script(plan, needs=needs, functions=[callback, module], body=body)
