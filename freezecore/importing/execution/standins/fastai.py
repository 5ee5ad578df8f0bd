"""`fastai`: a learner that freezes by its optimizer's groups, and the hooks of its callbacks."""

from __future__ import annotations

from freezecore.importing.execution.standins import fastai_vision, framework
from freezecore.importing.execution.standins.fastai_optimizer import FastaiOptimizer, Freezing
from freezecore.importing.execution.standins.fastcore import Several
from freezecore.importing.execution.standins.library import Library, stated
from freezecore.importing.execution.unknown import Unknown


@framework.seen_as("Callback")
class FastaiCallback(framework.FrameworkCallback):
    """A callback; what it asks of its learner is the learner's."""

    def __getattr__(self, name: str):
        if name.startswith("__") or "learn" not in vars(self):
            raise AttributeError(name)
        return getattr(self.learn, name)


class Learner(Freezing):
    """`Learner(dls, model, splitter=..., train_bn=True, cbs=...)`."""

    def __init__(self, dls=None, model=None, *args, splitter=None, train_bn=True, cbs=None, **kwargs) -> None:
        self.dls, self.model, self.opt, self.train_bn = dls, model, Unknown("opt", True), train_bn
        self.cbs, self.epoch, self._fx_splitter = framework.listed(cbs), 0, splitter

    def create_opt(self) -> None:
        """Its groups are made once."""
        if type(self.opt) is Unknown:
            self.opt = FastaiOptimizer(self.model, self._fx_splitter, self.train_bn)

    def freeze_to(self, n) -> None:
        self.create_opt()
        self.opt.freeze_to(n)

    def fit(self, n_epoch=1, lr=None, *args, cbs=None, **kwargs) -> None:
        stated(epochs=n_epoch, learning_rate=lr)
        self.create_opt()
        self._fx_cbs = [*self.cbs, *framework.listed(cbs)]
        framework.epochs(n_epoch, lambda epoch: self._fx_hooks(epoch, "before_epoch", "before_train"),
                         lambda epoch: self._fx_hooks(epoch, "after_train", "after_epoch"))  # fmt: skip

    fit_one_cycle = fit_flat_cos = fit_sgdr = fit

    def fine_tune(self, epochs=1, base_lr=2e-3, freeze_epochs=1, *args, **kwargs) -> None:
        """fastai's: frozen for `freeze_epochs`, then all of it."""
        self.freeze()
        self.fit(freeze_epochs)
        self.unfreeze()
        self.fit(epochs, base_lr)

    def to_fp16(self, *args, **kwargs) -> Learner:
        stated(precision="fp16-autocast")
        return self

    def add_cb(self, callback) -> Learner:
        self.cbs.append(callback)
        return self

    def _fx_hooks(self, epoch: int, *names: str) -> None:
        self.epoch = epoch
        for name in names:
            for callback in (each for each in self._fx_cbs if type(each) is not Unknown):
                vars(callback)["learn"] = self
                framework.hook(callback, name)


STAR = {
    "Learner": Learner, "Callback": FastaiCallback,
    **dict.fromkeys(("vision_learner", "cnn_learner"), fastai_vision.learner(Learner)),
    "L": Several,
    "params": lambda module: list(module.parameters()), "nn": Library("torch.nn"), "torch": Library("torch"),
}  # fmt: skip
OTHER = (
    (rf".*\.({'|'.join(STAR)})", lambda name: STAR[name]),
    *fastai_vision.OTHER,
)
