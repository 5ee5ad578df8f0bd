"""OpenMMLab's configurations in Python, and what they freeze."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.model import Open
from freezecore.importing.execution.unknown import Unknown
from freezecore.importing.libraries import openmmlab


class ConfigDict(dict):
    """A configuration whose keys are attributes too, as mmengine's."""

    def __init__(self, held: dict | None = None, *args, **values) -> None:
        super().__init__()
        self.update(held or {}, **values)

    fromfile = staticmethod(lambda path, *args, **kwargs: Unknown("Config.fromfile()"))

    def __getattr__(self, name: str):
        if name not in self:
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value) -> None:
        self[name] = value

    def __setitem__(self, key, value) -> None:
        super().__setitem__(key, _configured(value))

    def update(self, *others, **values) -> None:
        for key, value in dict(*others, **values).items():
            self[key] = value

    def merge(self, other: dict) -> None:
        """Lay another over it."""
        self.update(openmmlab.merged(self, other))

    def merge_from_dict(self, options: dict, *args, **kwargs) -> None:
        """Lay `{'model.backbone.frozen_stages': 1}` over it."""
        for path, value in options.items():
            for key in reversed(path.split(".")):
                value = {key: value}
            self.merge(value)


def _configured(value):
    """A value with its mappings made configurations, and copied."""
    if type(value) in (dict, ConfigDict):
        return ConfigDict(value)
    return type(value)(_configured(each) for each in value) if type(value) in (list, tuple) else value


def read_configuration(value, root, key: str = "", depth: int = 6) -> None:
    """Freeze what `model = dict(backbone=dict(frozen_stages=1))` freezes in `root`, at any depth."""
    if type(value) in (list, tuple):
        for each in value:
            read_configuration(each, root, key, depth - 1)
    if type(value) not in (dict, ConfigDict) or not depth:
        return
    for name, each in value.items():
        read_configuration(each, root, str(name), depth - 1)
    kind = value.get("type")
    if key == "custom_hooks" and "freez" in str(kind if isinstance(kind, str) else "").lower():
        now().tell("what '{name}' freezes is not known", now().line() or 1, name=kind)
    count = value.get("frozen_stages", -1)
    if type(count) is not int and count is not None:
        now().tell("what '{name}' freezes is not known", now().line() or 1, name="frozen_stages")
    if type(count) is not int or count < 0 and not (key == "backbone" and openmmlab.holds_norms(value)):
        return
    paths = openmmlab.frozen_paths(count, value, Open.blueprint.backbone)
    if paths is None:
        now().tell("this model has {count} stages", now().line() or 1, count=len(Open.blueprint.backbone["stages"]))
        return
    for path in paths:
        root().get_submodule(path).requires_grad_(False)
    if count >= 0:
        now().note("frozen_stages={count} freezes the stem and the first {count} stages of the backbone.", count=count)
