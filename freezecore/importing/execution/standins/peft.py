"""`peft`: what an adapter leaves of the base model to train."""

from __future__ import annotations

from freezecore.importing.execution.run import now, pasted_line
from freezecore.importing.execution.standins import peft_rules
from freezecore.importing.execution.standins.framework import Partial, keep
from freezecore.importing.execution.standins.module import Module, Outside, opaque
from freezecore.importing.execution.unknown import Unknown

SELF = ("merge_and_unload", "unload", "get_base_model")
TELLING = ("print_trainable_parameters", "add_adapter", "set_adapter", "save_pretrained", "get_nb_trainable_parameters")


class Config(Partial):
    """`LoraConfig` and its like: what is given is kept."""

    def __init__(self, *args, **options) -> None:
        keep(self, options)
        now().configs.append(self)
        now().framework_line = pasted_line()


class PeftModel(Module):
    """The wrapped model: `base_model.model` is what was given."""

    def __init__(self, model=None, config=None, *args, **kwargs) -> None:
        inner = Module.__new__(Outside)
        inner._fx_put("model", model)
        self._fx_put("base_model", inner)

    @classmethod
    def from_pretrained(cls, model=None, *args, is_trainable=False, **kwargs):
        return PeftModel(prepare(model))

    def _fx_lacking(self, name: str):
        held = self._modules["base_model"]._modules["model"]
        if name in SELF or name in TELLING:
            return lambda *args, **kwargs: held if name in SELF else None
        return getattr(held, name)


def get_peft_model(model=None, config=None, *args, **kwargs):
    """The base is frozen, adapters train, and so do the modules to save and, where said, biases."""
    now().kind, now().adapted = "peft", True
    if not isinstance(model, Module):
        return model
    prepare(model)
    given = vars(config) if isinstance(config, Config) else {"target_modules": Unknown("config")}
    targets, saved, bias, task = map(given.get, ("target_modules", "modules_to_save", "bias", "task_type"))
    if Unknown in (type(targets), type(saved), type(bias)):
        now().tell("what its adapter configuration names is not known")
        targets = saved = None
    for path, module in list(model.named_modules())[1:]:
        weight = module._parameters.get("weight")
        if weight is not None and len(weight._fx_shape or ()) == 2 and peft_rules.chosen(path, targets):
            module._modules.update(lora_A=opaque("lora_A"), lora_B=opaque("lora_B"))
        if peft_rules.saved(path, saved, task):
            module.requires_grad_(True)
    for name, parameter in model.named_parameters() if bias in ("all", "lora_only") else ():
        if name.endswith("bias") and (bias == "all" or peft_rules.chosen(name.rpartition(".")[0], targets)):
            parameter._fx_set(True)
    return PeftModel(model, config)


def prepare(model=None, *args, **kwargs):
    """Nothing of the base model trains."""
    return model.requires_grad_(False) if isinstance(model, Module) else model


NAMES = {
    "peft.get_peft_model": get_peft_model,
    "peft.inject_adapter_in_model": lambda config, model, *args: get_peft_model(model, config),
}
OTHER = (
    (r".*Config", lambda name: Config),
    (r".*\.(Auto)?PeftModel\w*", lambda name: PeftModel),
    (r".*\.prepare_model_for_\w+", lambda name: prepare),
)
