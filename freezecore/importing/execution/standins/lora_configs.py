"""`LoraConfig` and its like: what a script says of an adapter."""

from __future__ import annotations

from freezecore.importing.execution.run import now, pasted_line
from freezecore.importing.execution.standins.framework import Partial, keep
from freezecore.importing.execution.unknown import Unknown


class Config(Partial):
    """What is given is kept, and by which name it was made."""

    _fx_kind = ""

    def __init__(self, *args, **options) -> None:
        keep(self, options)
        now().configs.append(self)
        now().framework_line = pasted_line()

    @classmethod
    def from_pretrained(cls, *args, **options) -> Unknown:
        """What a file says is not known."""
        return Unknown("config", library=True)


def config_class(name: str) -> type[Config]:
    """`LoraConfig`, `IA3Config` and the like."""
    return type(name, (Config,), {"_fx_kind": name, "__module__": __name__})


def options_of(config) -> dict:
    """What a configuration says, by PEFT's names."""
    if type(config) is dict:
        return config
    if isinstance(config, Config):
        return {"peft_type": type(config)._fx_kind.removesuffix("Config"), **vars(config)}
    return {"target_modules": Unknown("config")}
