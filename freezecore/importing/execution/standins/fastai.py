"""`fastai`: a learner's groups, by fastai's own splitters, and what `freeze` and its like make of them."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import optim, torchvision
from freezecore.importing.execution.standins.library import Library, stated
from freezecore.importing.execution.standins.model import built, heads
from freezecore.importing.execution.standins.module import Module, Tensor, kind_of
from freezecore.importing.execution.unknown import Unknown

CUTS = {"resnet": 6, "resnext": 6, "wide_resnet": 6, "xresnet": 3, "vgg": 22, "alexnet": 6, "densenet": 7}
NORMS = ("nn.BatchNorm1d", "nn.BatchNorm2d", "nn.BatchNorm3d", "nn.InstanceNorm1d", "nn.InstanceNorm2d", "nn.LayerNorm")


class Callback:
    """A callback; its hooks run at each epoch, and what it asks of its learner is the learner's."""

    def __init__(self, *args, **kwargs) -> None:
        pass

    def __getattr__(self, name: str):
        if name.startswith("__") or "learn" not in vars(self):
            raise AttributeError(name)
        return getattr(self.learn, name)


class Learner:
    """`Learner(dls, model, splitter=..., train_bn=True, cbs=...)`."""

    _fx_settable = True

    def __init__(self, dls=None, model=None, *args, splitter=None, train_bn=True, cbs=None, lr=None, **kwargs) -> None:
        self.dls, self.model, self.opt, self.lr, self.train_bn = dls, model, Unknown("opt", True), lr, train_bn
        self.cbs = [] if cbs is None or type(cbs) is Unknown else list(cbs) if isinstance(cbs, (list, tuple)) else [cbs]
        self._fx_splitter, self._fx_groups, self.epoch = splitter, None, 0
        if isinstance(model, Module):
            now().optimised.update(id(each) for each in model.parameters())

    def create_opt(self) -> None:
        """Its groups are made once, from what trains then where nothing else is said."""
        if self._fx_groups is None:
            split = self._fx_splitter or (lambda model: [p for p in model.parameters() if p._fx_value])
            groups = split(self.model)
            groups = [] if type(groups) is Unknown else list(groups)
            plain = not groups or isinstance(groups[0], Tensor)
            self._fx_groups = [groups] if plain else [list(_flat(group)) for group in groups]
            held = self.model.modules() if isinstance(self.model, Module) else ()
            norms = tuple(kind_of(name) for name in NORMS)
            self._fx_norms = {id(p) for m in held if isinstance(m, norms) for p in m.parameters()}

    def freeze_to(self, n) -> None:
        if type(n) is Unknown or not isinstance(self.model, Module):
            now().tell("which layer groups it freezes is not known")
            return
        self.create_opt()
        for group in self._fx_groups[n:]:
            for parameter in group:
                parameter._fx_set(True)
        for group in self._fx_groups[:n]:
            for parameter in group:
                parameter._fx_set(bool(self.train_bn) and id(parameter) in self._fx_norms)

    def freeze(self) -> None:
        self.freeze_to(-1)

    def unfreeze(self) -> None:
        self.freeze_to(0)

    def fit(self, n_epoch=1, lr=None, *args, start_epoch=0, cbs=None, **kwargs) -> None:
        stated(epochs=n_epoch, learning_rate=lr)
        self.create_opt()
        for epoch in now().epochs(n_epoch if isinstance(n_epoch, int) else None):
            self.epoch = epoch
            for name in ("before_epoch", "before_train"):
                self._fx_hook(name)
            now().stepped = True
            for name in ("after_train", "after_epoch"):
                self._fx_hook(name)

    fit_one_cycle = fit_flat_cos = fit_sgdr = fit

    def fine_tune(self, epochs=1, base_lr=2e-3, freeze_epochs=1, *args, **kwargs) -> None:
        """fastai's: frozen for `freeze_epochs`, then all of it."""
        self.freeze()
        self.fit(freeze_epochs)
        self.unfreeze()
        self.fit(epochs)
        stated(learning_rate=base_lr)

    def to_fp16(self, *args, **kwargs) -> Learner:
        stated(precision="fp16-autocast")
        return self

    def add_cb(self, callback) -> Learner:
        self.cbs.append(callback)
        return self

    def _fx_hook(self, name: str) -> None:
        for callback in self.cbs:
            hook = getattr(type(callback), name, None)
            if callable(hook):
                vars(callback)["learn"] = self
                hook(callback)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return Unknown(f"learn.{name}", True)


def _flat(group):
    """Parameters of what a splitter's group holds."""
    if isinstance(group, Tensor):
        yield group
    elif isinstance(group, Module):
        yield from group.parameters()
    elif type(group) is not Unknown:
        for each in group:
            yield from _flat(each)


def vision_learner(dls=None, arch=None, *args, pretrained=True, splitter=None, cut=None, **options) -> Learner:
    """A body cut from the architecture and a new head; with pretrained weights it begins frozen."""
    root = arch() if callable(arch) and type(arch) is not Unknown else built(arch, "timm")
    if not isinstance(root, Module):
        return Learner(dls, root, splitter=splitter, **options)
    name, gone = (now().names or [""])[-1].lower(), {id(each) for each in heads(root)}
    kind = next((each for each in CUTS if name.startswith(each)), None) if not isinstance(arch, str) else None
    parts = [each for each in root.children() if id(each) not in gone]
    features = parts[0] if kind in ("vgg", "alexnet", "densenet") and parts else None
    inner = list(features.children()) if features is not None else parts
    model = kind_of("nn.Sequential")()
    body, head = kind_of("nn.Sequential")(*parts), kind_of("nn.Sequential")(*heads(root))
    model._modules.update({"0": body, "1": head})
    head.requires_grad_(True)
    at = CUTS.get(kind, 0)
    groups = [inner[:at], [*inner[at:], *parts[1:] * (features is not None)], [head]] if at else [parts, [head]]
    learn = Learner(dls, model, splitter=splitter, **options)
    learn._fx_splitter = splitter or (lambda model: groups)
    if pretrained is not False:
        learn.freeze()
    return learn


def other(path: str):
    last = path.rpartition(".")[2]
    if last in STAR:
        return STAR[last]
    if last in ("nn", "torch"):
        return Library("torch.nn" if last == "nn" else "torch")
    made = (
        torchvision.other(f"torchvision.models.{last}")
        if last[0].islower() and any(last.startswith(each) for each in CUTS)
        else None
    )
    return made or (optim.maker(last) if last in ("Adam", "SGD", "RMSProp", "ranger") else None)


STAR = {
    "vision_learner": vision_learner, "cnn_learner": vision_learner, "Learner": Learner, "Callback": Callback,
    "L": lambda *args: list(args[0]) if len(args) == 1 and not isinstance(args[0], Module) else list(args),
    "params": lambda module: list(module.parameters()),
}  # fmt: skip
NAMES: dict = {}
MODULES = ("fastai.vision.all.x", "fastai.text.all.x", "fastai.callback.core.x", "fastai.learner.x", "fastai.basics.x",
           "fastai.optimizer.x", "fastai.tabular.all.x", "fastai.vision.learner.x", "fastai.vision.x", "fastai.text.x",
           "fastai.callback.all.x", "fastai.foundation.x")  # fmt: skip
