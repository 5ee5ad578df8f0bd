"""OpenMMLab (`mmcv`, `mmengine` and what stands on them): hooks that freeze, and configurations."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import framework
from freezecore.importing.execution.standins.framework import Partial
from freezecore.importing.execution.standins.openmmlab_config import ConfigDict
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


OTHER = (
    (r".*\.Config(Dict)?", lambda name: ConfigDict),
    (r".*\.Hook", lambda name: OpenMMLabHook),
    (r".*\..*", Unknown),
)
