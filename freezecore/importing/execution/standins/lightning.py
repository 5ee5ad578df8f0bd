"""Lightning: modules and callbacks whose hooks its trainer calls, and its fine-tuning callbacks."""

from __future__ import annotations

from types import SimpleNamespace

from freezecore.importing.execution.run import now, pasted_line, pasted_locals
from freezecore.importing.execution.standins.library import stated
from freezecore.importing.execution.standins.model import heads
from freezecore.importing.execution.standins.module import Module, kind_of
from freezecore.importing.execution.unknown import Unknown


class LightningModule(Module):
    """A module that knows the epoch it is in."""

    @property
    def current_epoch(self):
        return now().epoch if now().epoch is not None else 0

    def save_hyperparameters(self, *names, **kwargs) -> None:
        """Keeps what `__init__` was given as `hparams`."""
        self.hparams = SimpleNamespace(**{key: value for key, value in pasted_locals().items() if key != "self"})

    def freeze(self) -> None:
        now().kind = "lightning"
        self.requires_grad_(False)

    def unfreeze(self) -> None:
        now().kind = "lightning"
        self.requires_grad_(True)

    def _fx_lacking(self, name: str):
        return Unknown(name, True)


class Callback:
    """A callback's hooks do nothing unless a script defines them."""

    def __init__(self, *args, **kwargs) -> None:
        pass


class BaseFinetuning(Callback):
    """Lightning's own way to freeze: batch norms go on training unless told otherwise."""

    @staticmethod
    def flatten_modules(modules):
        given = [modules] if isinstance(modules, Module) else [] if type(modules) is Unknown else list(modules)
        return [one for each in given for one in each.modules()]

    @staticmethod
    def freeze(modules, train_bn=True) -> None:
        now().kind = "lightning"
        norm = kind_of("nn._BatchNorm")
        for module in BaseFinetuning.flatten_modules(modules):
            for parameter in module.parameters(recurse=False):
                parameter._fx_set(bool(train_bn) and isinstance(module, norm))

    freeze_module = freeze

    @staticmethod
    def make_trainable(modules) -> None:
        for module in BaseFinetuning.flatten_modules(modules):
            for parameter in module.parameters(recurse=False):
                parameter._fx_set(True)

    @staticmethod
    def unfreeze_and_add_param_group(modules, optimizer=None, lr=None, *args, **kwargs) -> None:
        BaseFinetuning.make_trainable(modules)


class BackboneFinetuning(BaseFinetuning):
    """The backbone is frozen until an epoch; where the model has no `backbone`, it is all but the head."""

    def __init__(self, unfreeze_backbone_at_epoch=10, *args, train_bn=True, **kwargs) -> None:
        self._fx_epoch, self._fx_train_bn = unfreeze_backbone_at_epoch, train_bn
        now().callbacks.append(self)
        now().kind = "lightning"
        now().framework_line = pasted_line()

    def _fx_backbone(self, module):
        if "backbone" in module._modules:
            return [module._modules["backbone"]]
        gone = {id(one) for head in heads(module) for one in head.modules()}
        return [one for one in module.modules() if id(one) not in gone]

    def freeze_before_training(self, pl_module) -> None:
        shallow = "backbone" not in pl_module._modules
        for part in self._fx_backbone(pl_module):
            own = [part] if not shallow else part
            BaseFinetuning.freeze(own, self._fx_train_bn) if not shallow else _freeze_own(part, self._fx_train_bn)

    def finetune_function(self, pl_module, epoch, optimizer, *args) -> None:
        if epoch == self._fx_epoch:
            for part in self._fx_backbone(pl_module):
                part.requires_grad_(True)


def _freeze_own(module: Module, train_bn) -> None:
    for parameter in module.parameters(recurse=False):
        parameter._fx_set(bool(train_bn) and isinstance(module, kind_of("nn._BatchNorm")))


class Trainer:
    """`Trainer(...).fit(module)` calls the hooks that freeze, epoch by epoch."""

    _fx_settable = True
    current_epoch = property(lambda self: now().epoch or 0)

    def __init__(self, *args, max_epochs=None, callbacks=None, precision=None, **kwargs) -> None:
        given = [] if callbacks is None or type(callbacks) is Unknown else callbacks
        self.max_epochs, self.callbacks = max_epochs, list(given) if isinstance(given, (list, tuple)) else [given]
        half = "bf16-autocast" if "bf16" in str(precision) else "fp16-autocast" if "16" in str(precision) else None
        stated(epochs=max_epochs, precision=half if isinstance(precision, (str, int)) else None)
        now().pending.append(self)
        now().handed += self.callbacks

    def fit(self, model=None, *args, **kwargs) -> None:
        if self in now().pending:
            now().pending.remove(self)
        own = [each for each in self.callbacks if isinstance(each, Callback)]
        parts = [*own, *([model] if isinstance(model, LightningModule) else [])]
        self.optimizers, held = [Unknown("optimizer", True)], model if isinstance(model, Module) else None
        if isinstance(model, Module):
            vars(model)["trainer"] = self
        for callback in own:
            _hook(callback, "freeze_before_training", held)
        for name in ("configure_model", "setup", "on_fit_start", "on_train_start"):
            for part in parts:
                _hook(part, name, *(() if part is model else (self, held)), *(("fit",) if name == "setup" else ()))
        optimizer = _hook(model, "configure_optimizers")
        self.optimizers = [optimizer[0] if isinstance(optimizer, (tuple, list)) and optimizer else optimizer]
        for epoch in now().epochs(self.max_epochs if isinstance(self.max_epochs, int) else None):
            for part in parts:
                _hook(part, "finetune_function", held, epoch, self.optimizers[0])
                _hook(part, "on_train_epoch_start", *(() if part is model else (self, held)))
            now().stepped = True
            for part in parts:
                _hook(part, "on_train_epoch_end", *(() if part is model else (self, held)))

    def _fx_fit(self) -> None:
        self.fit(now().lightning())

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return Unknown(f"trainer.{name}", True)


def _hook(part, name: str, *args):
    hook = getattr(part, name, None) if part is not None and (name in dir(type(part))) else None
    return hook(*args) if callable(hook) else None


def other(path: str):
    last = path.rpartition(".")[2]
    return Callback if last in ("EarlyStopping", "ModelCheckpoint", "LearningRateMonitor", "RichProgressBar") else None


CLASSES = {"LightningModule": LightningModule, "Callback": Callback, "Trainer": Trainer,
           "BaseFinetuning": BaseFinetuning, "BackboneFinetuning": BackboneFinetuning}  # fmt: skip
NAMES = {
    f"lightning{where}.{name}": found
    for name, found in CLASSES.items()
    for where in ("", ".pytorch", ".callbacks", ".pytorch.callbacks", ".core", ".trainer", ".callbacks.finetuning")
}
MODULES = ("lightning.pytorch.x", "lightning.loggers.x", "lightning.pytorch.loggers.x", "lightning.utilities.x")
