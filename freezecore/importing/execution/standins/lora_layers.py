"""Layers with LoRA beside them, and modules that train beside adapters, as PEFT puts them into a model."""

from __future__ import annotations

import copy

from freezecore.importing.execution.standins.module import Module, Outside, TorchParameter, bases_of


class Wrapper(Module):
    """Stands in the place of a module that it holds, and answers for it."""

    _fx_held = "base_layer"

    def _fx_lacking(self, name: str):
        return getattr(self._modules[self._fx_held], name)


class LoraLayer(Wrapper):
    """A layer with its adapter's two matrices."""

    def __init__(self, layer: Module) -> None:
        names = (
            ("lora_embedding_A", "lora_embedding_B")
            if "nn.Embedding" in bases_of(type(layer))
            else ("lora_A", "lora_B")
        )
        self._modules.update(base_layer=layer, **{name: _holding("default", _weight()) for name in names})

    def adapter(self) -> list:
        """Its own parameters."""
        return [each for name, part in self._modules.items() if name != "base_layer" for each in part.parameters()]


class SavedModule(Wrapper):
    """A module that trains beside adapters: a copy of it does, and it stays as it was."""

    _fx_held = "modules_to_save"

    def __init__(self, module: Module) -> None:
        kept = copy.deepcopy(module)
        for parameter in kept.parameters():
            vars(parameter)["_fx_name"] = ""
        module.requires_grad_(True)
        self._modules.update(original_module=kept, modules_to_save=_holding("default", module))

    def _fx_lacking(self, name: str):
        return getattr(self._modules["modules_to_save"]._modules["default"], name)


def _weight() -> Module:
    made = Module.__new__(Outside)
    made._parameters["weight"] = TorchParameter()
    return made


def _holding(name: str, module: Module) -> Module:
    made = Module.__new__(Outside)
    made._modules[name] = module
    return made
