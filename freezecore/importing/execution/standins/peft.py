"""`peft`: what an adapter leaves of the base model to train, and which modules it joins."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import lora_joins
from freezecore.importing.execution.standins.lora_configs import config_class, options_of
from freezecore.importing.execution.standins.model import OWN
from freezecore.importing.execution.standins.module import Module, Outside

SELF = ("merge_and_unload", "unload", "get_base_model")
TELLING = ("print_trainable_parameters", "add_adapter", "set_adapter", "save_pretrained", "get_nb_trainable_parameters")


class PeftModel(Module):
    """The wrapped model: `base_model.model` is what was given."""

    def __init__(self, model=None, *args, **kwargs) -> None:
        inner = Module.__new__(Outside)
        inner._fx_put("model", model)
        self._fx_put("base_model", inner)

    @classmethod
    def from_pretrained(cls, model=None, *args, is_trainable=False, **kwargs):
        now().tell(
            "what its adapter's own file says is not known"
            if is_trainable
            else "an adapter that is loaded trains nothing unless is_trainable=True"
        )
        return PeftModel(prepare(model))

    def _fx_lacking(self, name: str):
        held = self._modules["base_model"]._modules["model"]
        if name in SELF or name in TELLING:
            return lambda *args, **kwargs: held if name in SELF else None
        return getattr(held, name)


def get_peft_model(model=None, peft_config=None, *args, **kwargs):
    """The base is frozen, adapters train, and so do the modules to save and, where said, biases."""
    now().kind, now().adapted = "peft", True
    if isinstance(model, Module):
        prepare(model)
        lora_joins.join(model, options_of(peft_config))
        return PeftModel(model)
    return model


def _add_adapter(root: Module, adapter_config=None, *args, **kwargs) -> None:
    """transformers' own way: the adapter goes into the model itself."""
    get_peft_model(root, adapter_config)


def prepare(model=None, *args, **kwargs):
    """Nothing of the base model trains."""
    return model.requires_grad_(False) if isinstance(model, Module) else model


NAMES = {
    "peft.get_peft_model": get_peft_model,
    "peft.inject_adapter_in_model": lambda peft_config, model, *args: get_peft_model(model, peft_config),
}
OTHER = (
    (r".*Config", config_class),
    (r".*\.(Auto)?PeftModel\w*", lambda name: PeftModel),
    (r".*\.prepare_model_for_\w+", lambda name: prepare),
)
OWN["add_adapter"] = _add_adapter
OWN["enable_adapters"] = OWN["set_adapter"] = lambda root, *args, **kwargs: None  # what is there is used
