"""`transformers.trainer`: trainers note what they are given and run the callbacks' hooks."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import framework
from freezecore.importing.execution.standins.framework import Partial, listed
from freezecore.importing.execution.standins.library import stated
from freezecore.importing.execution.standins.module import Module
from freezecore.importing.execution.standins.peft import get_peft_model
from freezecore.importing.execution.unknown import Unknown


class Arguments(Partial):
    """`TrainingArguments`: what is given is kept and stated."""

    num_train_epochs = 3

    def __init__(self, output_dir=None, **options) -> None:
        vars(self).update(options, output_dir=output_dir)
        half = framework.half(options.get("bf16") is True, options.get("fp16") is True)
        stated(batch_size=options.get("per_device_train_batch_size"), learning_rate=options.get("learning_rate"),
               epochs=options.get("num_train_epochs"), precision=half, schedule=options.get("lr_scheduler_type"),
               optimizer=options.get("optim"), weight_decay=options.get("weight_decay"))  # fmt: skip


class State(Partial):
    """`TrainerState`, of which scripts ask the epoch."""

    def __init__(self, epoch) -> None:
        self.epoch = epoch


class TrainerCallback(framework.Callback):
    """A callback of transformers' trainers."""


class Trainer(Partial):
    """`Trainer`, `SFTTrainer` and the like."""

    def __init__(self, model=None, args=None, *rest, callbacks=None, optimizers=(None, None), peft_config=None, **kw):
        if peft_config is not None and isinstance(model, Module):
            model = get_peft_model(model, peft_config)
        self.model, self.args, self.callbacks = model, args, listed(callbacks)
        given = (listed(optimizers) or [None])[0]
        self.optimizer = Unknown("optimizer", True) if given is None else given
        if isinstance(model, Module):
            now().optimised.update(id(each) for each in model.parameters())
        now().pending.append(self)

    def add_callback(self, callback) -> None:
        self.callbacks.append(callback() if isinstance(callback, type) else callback)

    def train(self, *args, **kwargs) -> Unknown:
        framework.begun(self)
        self._fx_hook("on_train_begin", 0)
        framework.epochs(getattr(self.args, "num_train_epochs", 3),
                         lambda epoch: self._fx_hook("on_epoch_begin", epoch),
                         lambda epoch: self._fx_hook("on_epoch_end", epoch + 1))  # fmt: skip
        return Unknown("train()", True)

    _fx_fit = train

    def _fx_hook(self, name: str, epoch: int) -> None:
        given = (self.args if self.args is not None else Unknown("args", True), State(epoch), Unknown("control", True))
        for callback in self.callbacks:
            found = getattr(callback, name, None)
            if callable(found):
                found(*given, model=self.model, optimizer=self.optimizer)
