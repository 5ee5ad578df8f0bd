"""`transformers` and `trl`: models by class, trainers that note what they are given and run the callbacks' hooks."""

from __future__ import annotations

import re

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.library import stated
from freezecore.importing.execution.standins.model import base_of, built
from freezecore.importing.execution.standins.module import Module, kind_of
from freezecore.importing.execution.standins.optim import maker, scheduler
from freezecore.importing.execution.unknown import Unknown

MODEL = re.compile(r"(Auto|[A-Z])\w*(Model\w*|For[A-Z]\w+|Encoder|LMHead\w*)")
BUILDS = ("from_pretrained", "from_config", "_from_config")


def model_class(name: str):
    """A class such as `BertModel` or `AutoModelForCausalLM`: built by name, by configuration or derived from."""
    kind = kind_of(name)
    if "from_pretrained" not in vars(kind):

        def build(cls, source=None, *args, **options):
            if cls is not kind:
                return cls(Unknown("config"))
            if options.get("load_in_8bit") is True or options.get("load_in_4bit") is True:
                now().note("A base in 8 or 4 bits holds its linear layers' weights frozen whatever is set on them.")
            root = built(source if isinstance(source, str) else name.split("For")[0].replace("Model", ""), "hf")
            return base_of(root) if isinstance(root, Module) and "For" not in name and "Head" not in name else root

        for each in BUILDS:
            setattr(kind, each, classmethod(build))
        kind.__new__ = staticmethod(lambda cls, *args, **kw: build(kind) if cls is kind else Module.__new__(cls))
        kind.post_init = lambda self: None
    return kind


class Arguments:
    """`TrainingArguments`: what is given is kept and stated."""

    _fx_settable = True

    def __init__(self, output_dir=None, **options) -> None:
        vars(self).update(options, output_dir=output_dir)
        half = (
            "bf16-autocast" if options.get("bf16") is True else "fp16-autocast" if options.get("fp16") is True else None
        )
        stated(batch_size=options.get("per_device_train_batch_size"), learning_rate=options.get("learning_rate"),
               epochs=options.get("num_train_epochs"), precision=half, schedule=options.get("lr_scheduler_type"),
               optimizer=options.get("optim"), weight_decay=options.get("weight_decay"))  # fmt: skip

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return Unknown(f"args.{name}", True)


class State:
    """`TrainerState`, of which scripts ask the epoch."""

    def __init__(self, epoch) -> None:
        self.epoch = epoch

    def __getattr__(self, name: str):
        return Unknown(f"state.{name}", True)


class TrainerCallback:
    """A callback's hooks do nothing unless a script defines them."""

    def __init__(self, *args, **kwargs) -> None:
        pass


class Trainer:
    """`Trainer`, `SFTTrainer` and the like."""

    _fx_settable = True

    def __init__(self, model=None, args=None, *rest, callbacks=None, optimizers=(None, None), peft_config=None, **kw):
        if peft_config is not None and isinstance(model, Module):
            from freezecore.importing.execution.standins.peft import get_peft_model

            model = get_peft_model(model, peft_config)
        self.model, self.args, self.callbacks = model, args, [] if type(callbacks) is Unknown else list(callbacks or ())
        self.optimizer = (
            optimizers[0] if isinstance(optimizers, tuple) and optimizers[0] is not None else Unknown("optimizer", True)
        )
        if isinstance(model, Module):
            now().optimised.update(id(each) for each in model.parameters())
        now().pending.append(self)

    def add_callback(self, callback) -> None:
        self.callbacks.append(callback() if isinstance(callback, type) else callback)

    def train(self, *args, **kwargs) -> Unknown:
        if self in now().pending:
            now().pending.remove(self)
        number = getattr(self.args, "num_train_epochs", 3)
        held = {"model": self.model, "optimizer": self.optimizer}
        self._fx_hook("on_train_begin", 0, held)
        for epoch in now().epochs(int(number) if isinstance(number, (int, float)) else None):
            self._fx_hook("on_epoch_begin", epoch, held)
            now().stepped = True
            self._fx_hook("on_epoch_end", epoch + 1, held)
        return Unknown("train()", True)

    _fx_fit = train

    def _fx_hook(self, name: str, epoch: int, held: dict) -> None:
        for callback in self.callbacks:
            hook = getattr(callback, name, None)
            if callable(hook):
                hook(
                    self.args if self.args is not None else Unknown("args", True),
                    State(epoch),
                    Unknown("control", True),
                    **held,
                )

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return Unknown(f"trainer.{name}", True)


def other(path: str):
    last = path.rpartition(".")[2]
    if last.endswith("Trainer"):
        return Trainer
    if last.endswith(("TrainingArguments", "SFTConfig", "DPOConfig")):
        return Arguments
    if last in ("AdamW", "Adafactor"):
        return maker(last)
    if last.startswith("get_") and "schedule" in last:
        return scheduler(last.removeprefix("get_"))
    if MODEL.fullmatch(last) and not last.endswith(("Config", "Tokenizer", "Processor")):
        return model_class(last)
    if (
        ".models." in path
        and last[0].isupper()
        and not last.endswith(("Config", "Tokenizer", "TokenizerFast", "Processor"))
    ):
        return kind_of(last)
    return kind_of(last) if last == "Conv1D" else None


NAMES = {"transformers.TrainerCallback": TrainerCallback}
MODULES = (
    "transformers.models.x",
    "transformers.optimization.x",
    "transformers.trainer.x",
    "transformers.pytorch_utils.x",
)
