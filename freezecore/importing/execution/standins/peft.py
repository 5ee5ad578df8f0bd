"""`peft`: what an adapter leaves of the base model to train."""

from __future__ import annotations

import re

from freezecore.importing.execution.run import now, pasted_line
from freezecore.importing.execution.standins.module import Module, Outside, Parameter, Tensor
from freezecore.importing.execution.unknown import Unknown


class Config:
    """`LoraConfig` and its like: what is given is kept."""

    _fx_settable = True

    def __init__(self, *args, **options) -> None:
        vars(self)["_fx_options"] = options
        vars(self).update(options)
        now().configs.append(self)
        now().framework_line = pasted_line()

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return self._fx_options.get(name)


class PeftModel(Module):
    """The wrapped model: `base_model.model` is what was given."""

    def __init__(self, model=None, config=None, *args, **kwargs) -> None:
        inner = Module.__new__(Outside)
        inner._fx_put("model", model)
        self._fx_put("base_model", inner)

    @classmethod
    def from_pretrained(cls, model=None, *args, is_trainable=False, **kwargs):
        if isinstance(model, Module):
            model.requires_grad_(False)
        return PeftModel(model)

    def _fx_lacking(self, name: str):
        if name in ("merge_and_unload", "unload", "get_base_model"):
            return lambda *args, **kwargs: self._modules["base_model"]._modules["model"]
        if name in (
            "print_trainable_parameters",
            "add_adapter",
            "set_adapter",
            "save_pretrained",
            "get_nb_trainable_parameters",
        ):
            return lambda *args, **kwargs: None
        return getattr(self._modules["base_model"]._modules["model"], name)


def chosen(path: str, names) -> bool:
    """PEFT's rule: a text is a regular expression over the whole path, a list names its end."""
    if isinstance(names, str):
        return names == "all-linear" or re.fullmatch(names, path) is not None
    return any(path == name or path.endswith(f".{name}") for name in names or () if isinstance(name, str))


def get_peft_model(model=None, config=None, *args, **kwargs):
    """The base is frozen, adapters train, and so do the modules to save and, where said, biases."""
    now().kind, now().adapted = "peft", True
    if not isinstance(model, Module):
        return model
    model.requires_grad_(False)
    targets, saved, bias = (getattr(config, name, None) for name in ("target_modules", "modules_to_save", "bias"))
    if Unknown in (type(targets), type(saved), type(bias)):
        now().tell("what its adapter configuration names is not known")
        targets, saved = None, None
    for path, module in list(model.named_modules()):
        weight = module._parameters.get("weight")
        if (
            path
            and targets is not None
            and weight is not None
            and len(weight._fx_shape or ()) == 2
            and chosen(path, targets)
        ):
            for name in ("lora_A", "lora_B"):
                pair = Module.__new__(Outside)
                pair._parameters["weight"] = Parameter(Tensor(None))
                module._modules[name] = pair
        if path and saved and any(path.endswith(name) for name in ([saved] if isinstance(saved, str) else saved)):
            module.requires_grad_(True)
    for name, parameter in model.named_parameters() if bias in ("all", "lora_only") else ():
        if name.endswith("bias") and (bias == "all" or chosen(name.rpartition(".")[0], targets)):
            parameter._fx_set(True)
    return PeftModel(model, config)


def prepare(model=None, *args, **kwargs):
    return model.requires_grad_(False) if isinstance(model, Module) else model


def other(path: str):
    last = path.rpartition(".")[2]
    return Config if last.endswith("Config") else PeftModel if last.startswith(("PeftModel", "AutoPeftModel")) else None


NAMES = {
    "peft.get_peft_model": get_peft_model, "peft.prepare_model_for_kbit_training": prepare,
    "peft.prepare_model_for_int8_training": prepare,
    "peft.inject_adapter_in_model": lambda config, model, *args: get_peft_model(model, config),
}  # fmt: skip
MODULES = ("peft.utils.x", "peft.tuners.x")
