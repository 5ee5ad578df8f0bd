"""Unsloth: models that load in 4 bits, and its own `get_peft_model`, with its own usual values."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import lora_joins
from freezecore.importing.execution.standins.framework import Partial
from freezecore.importing.execution.standins.model import built
from freezecore.importing.execution.standins.module import Module
from freezecore.importing.execution.standins.peft import PeftModel, prepare
from freezecore.importing.execution.unknown import Unknown

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
WHOLE = ("embed_tokens", "lm_head")
PARTS = ("finetune_vision_layers", "finetune_language_layers", "finetune_attention_modules", "finetune_mlp_modules",
         "finetune_last_n_layers", "finetune_audio_layers")  # fmt: skip


class FastModel(Partial):
    """`FastLanguageModel`, `FastVisionModel` and the like."""

    @staticmethod
    def from_pretrained(model_name=None, *args, **options):
        return built(model_name, "hf"), Unknown("tokenizer")

    @staticmethod
    def get_peft_model(
        model=None, r=16, target_modules=TARGETS, lora_alpha=16, lora_dropout=0.0, bias="none", **options
    ):
        now().kind, now().adapted = "unsloth", True
        if not isinstance(model, Module):
            return model
        prepare(model)
        for name in PARTS:
            if name in options:
                now().tell("which parts of a model Unsloth's '{name}' joins is not followed", name=name)
        targets, whole = target_modules, list(options.get("modules_to_save") or ())
        if isinstance(targets, (list, tuple)):  # Unsloth trains embeddings whole, whatever an adapter is asked for
            whole += [name for name in WHOLE if name in targets and name not in whole]
            targets = [name for name in targets if name not in WHOLE]
        options.update(r=r, target_modules=targets, lora_alpha=lora_alpha, lora_dropout=lora_dropout, bias=bias)
        lora_joins.join(model, {**options, "modules_to_save": whole})
        return PeftModel(model)

    @staticmethod
    def for_training(model=None, *args, **kwargs):
        return model

    for_inference = for_training


OTHER = ((r".*\.Fast\w*Model", lambda name: FastModel),)
