"""Unsloth: models that load in 4 bits, and its own `get_peft_model`, with its own usual values."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import lora_joins
from freezecore.importing.execution.standins.framework import Partial
from freezecore.importing.execution.standins.model import built
from freezecore.importing.execution.standins.module import Module, bases_of
from freezecore.importing.execution.standins.peft import PeftModel, prepare
from freezecore.importing.execution.unknown import Unknown
from freezecore.importing.libraries import unsloth_parts

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
WHOLE = ("embed_tokens", "lm_head")


class FastLanguageModel(Partial):
    """Loads a model; its adapters join the seven projections of a language model."""

    @staticmethod
    def from_pretrained(model_name=None, *args, **options):
        return built(model_name, "hf"), Unknown("tokenizer", library=True)

    @classmethod
    def get_peft_model(
        cls, model=None, r=16, target_modules=None, lora_alpha=16, lora_dropout=0.0, bias="none", **more
    ):
        now().kind, now().adapted = "unsloth", True
        if not isinstance(model, Module):
            return model
        prepare(model)
        targets, whole = target_modules, list(more.get("modules_to_save") or ())
        if isinstance(targets, (list, tuple)):  # Unsloth trains embeddings whole, whatever an adapter is asked for
            whole += [name for name in WHOLE if name in targets and name not in whole]
            targets = [name for name in targets if name not in WHOLE]
        targets = cls._fx_targets(model, targets, more)
        more.update(r=r, target_modules=targets, lora_alpha=lora_alpha, lora_dropout=lora_dropout, bias=bias)
        lora_joins.join(model, {**more, "modules_to_save": whole})
        return PeftModel(model)

    @classmethod
    def _fx_targets(cls, model: Module, targets, options: dict):
        return TARGETS if targets is None else targets

    @staticmethod
    def for_training(model=None, *args, **kwargs):
        return model

    for_inference = for_training


class FastModel(FastLanguageModel):
    """`FastModel` and `FastVisionModel`: their adapters join linear layers by the parts of a path."""

    @classmethod
    def _fx_targets(cls, model: Module, targets, options: dict):
        for name in unsloth_parts.unfollowed(type(model).__name__, options):
            now().tell("which parts of a model Unsloth's '{name}' joins is not followed", name=name)
        if Unknown in map(type, options.values()) or not isinstance(targets, (list, str, type(None))):
            return Unknown("target_modules")
        linear = [path for path, each in model.named_modules() if "nn.Linear" in bases_of(type(each))]
        return unsloth_parts.joined(linear, targets, options)


OTHER = (
    (r".*\.FastLanguageModel", lambda name: FastLanguageModel),
    (r".*\.Fast\w*Model", lambda name: FastModel),
)
