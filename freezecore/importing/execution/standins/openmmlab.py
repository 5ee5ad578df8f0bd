"""OpenMMLab (`mmcv`, `mmengine` and what stands on them): hooks that freeze, and configurations written in Python."""

from __future__ import annotations

from freezecore.importing import openmmlab
from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import framework
from freezecore.importing.execution.standins.framework import Partial
from freezecore.importing.execution.standins.model import Open
from freezecore.importing.execution.unknown import Unknown


@framework.seen_as("Hook")
class OpenMMLabHook(framework.FrameworkCallback):
    """A hook, which its runner calls."""

    def _fx_run(self, model) -> None:
        runner = HookRunner(model)
        for name in ("before_run", "before_train"):
            framework.hook(self, name, runner)
        framework.epochs(None, lambda epoch: self._fx_epoch(runner, "before_epoch", "before_train_epoch"),
                         lambda epoch: self._fx_epoch(runner, "after_train_epoch", "after_epoch"))  # fmt: skip

    def _fx_epoch(self, runner: HookRunner, *names: str) -> None:
        for name in names:
            framework.hook(self, name, runner)


class HookRunner(Partial):
    """What a hook is given: the model, and the epoch."""

    epoch = property(lambda self: now().epoch or 0)

    def __init__(self, model) -> None:
        self.model = model


def read_configuration(value, root, key: str = "", depth: int = 6) -> None:
    """Freeze what `model = dict(backbone=dict(frozen_stages=1))` freezes in `root`, at any depth."""
    if type(value) in (list, tuple):
        for each in value:
            read_configuration(each, root, key, depth - 1)
    if type(value) is not dict or not depth:
        return
    for name, each in value.items():
        read_configuration(each, root, str(name), depth - 1)
    kind = value.get("type")
    if key == "custom_hooks" and "freez" in str(kind if isinstance(kind, str) else "").lower():
        now().tell("what '{name}' freezes is not known", now().line() or 1, name=kind)
    count = value.get("frozen_stages", -1)
    if type(count) is not int or count < 0 and not (key == "backbone" and openmmlab.holds_norms(value)):
        return
    paths = openmmlab.frozen_paths(count, value, Open.blueprint.backbone)
    if paths is None:
        now().tell("this model has {count} stages", now().line() or 1, count=len(Open.blueprint.backbone["stages"]))
        return
    for path in paths:
        root.get_submodule(path).requires_grad_(False)
    if count >= 0:
        now().note("frozen_stages={count} freezes the stem and the first {count} stages of the backbone.", count=count)


OTHER = ((r".*\.Hook", lambda name: OpenMMLabHook), (r".*\..*", Unknown))
