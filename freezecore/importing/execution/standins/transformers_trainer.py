"""`transformers.trainer`: trainers note what they are given and run the callbacks' hooks."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import framework
from freezecore.importing.execution.standins.framework import Partial, keep, listed
from freezecore.importing.execution.standins.library import stated
from freezecore.importing.execution.standins.model import built
from freezecore.importing.execution.standins.module import Module
from freezecore.importing.execution.standins.peft import get_peft_model
from freezecore.importing.execution.unknown import Unknown


class TrainingArguments(Partial):
    """`TrainingArguments`: what is given is kept and stated."""

    num_train_epochs = 3

    def __init__(self, output_dir=None, **options) -> None:
        keep(self, {**options, "output_dir": output_dir})
        half = framework.half(options.get("bf16") is True, options.get("fp16") is True)
        stated(batch_size=options.get("per_device_train_batch_size"), learning_rate=options.get("learning_rate"),
               epochs=options.get("num_train_epochs"), precision=half, schedule=options.get("lr_scheduler_type"),
               optimizer=options.get("optim"), weight_decay=options.get("weight_decay"))  # fmt: skip


class State(Partial):
    """`TrainerState`, of which scripts ask the epoch."""

    def __init__(self, epoch) -> None:
        self.epoch = epoch


class TrainerCallback(framework.FrameworkCallback):
    """A callback of transformers' trainers."""


@framework.seen_as("Trainer")
class TransformersTrainer(Partial):
    """`Trainer`, `SFTTrainer` and the like."""

    def __init__(self, model=None, args=None, *rest, callbacks=None, optimizers=(None, None), peft_config=None, **kw):
        if isinstance(model, str):  # TRL's trainers build it
            model = built(model, "hf")
        if peft_config is not None and isinstance(model, Module):
            model = get_peft_model(model, peft_config)
        self.model, self.args, self.callbacks = model, args, listed(callbacks)
        given = (listed(optimizers) or [None])[0]
        self.optimizer = Unknown("optimizer", True) if given is None else given
        if isinstance(model, Module):
            now().optimised.update(id(each) for each in model.parameters())
        now().pending.append(self)
        now().handed += self.callbacks

    def add_callback(self, callback) -> None:
        self.callbacks.append(callback() if isinstance(callback, type) else callback)
        now().handed += self.callbacks[-1:]

    def train(self, *args, **kwargs) -> Unknown:
        framework.begun(self)
        self._fx_hooks(0, "on_train_begin")
        framework.epochs(getattr(self.args, "num_train_epochs", 3), self._fx_before,
                         lambda epoch: self._fx_hooks(epoch + 1, "on_step_end", "on_epoch_end"))  # fmt: skip
        return Unknown("train()", True)

    def _fx_before(self, epoch: int) -> None:
        """The first step of an epoch, and one in its middle."""
        self._fx_hooks(epoch, "on_epoch_begin", "on_step_begin")
        self._fx_hooks(epoch + 0.5, "on_step_end", "on_step_begin")

    _fx_fit = train

    def _fx_hooks(self, epoch: float, *names: str) -> None:
        given = (self.args if self.args is not None else Unknown("args", True), State(epoch), Unknown("control", True))
        for name in names:
            for found in [getattr(callback, name, None) for callback in self.callbacks]:
                if callable(found):
                    found(*given, model=self.model, optimizer=self.optimizer)
