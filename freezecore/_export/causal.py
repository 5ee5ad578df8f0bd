"""What the trainers for language models have in common: which sources they take, and what none of them can hold."""

from __future__ import annotations

from freezecore._export.lora import LoraOptions
from freezecore._export.plan import ExportPlan
from freezecore.errors import ExportError


def require_causal(plan: ExportPlan, trainer: str) -> None:
    """Check that the trainer builds this model with this head, freezes once, and need hold nothing in eval mode.

    Raises:
        ExportError: with the reason, and what comes nearest.
    """
    require_language_model(plan, trainer)
    if plan.source.weights == "random":
        raise ExportError(
            "{trainer} starts from the pretrained weights.",
            "Export to transformers-trainer or pytorch.",
            trainer=trainer,
        )
    if plan.scheduled:
        phases = ", ".join(str(epoch) for epoch, _ in plan.masks)
        raise ExportError(
            "{trainer} freezes once, before it trains, and this selection changes (epochs {phases}).",
            "Export one phase: leave the 'from epoch' rules out. transformers-trainer can do all of it.",
            trainer=trainer,
            phases=phases,
        )
    if held := plan.mask.norms_held + plan.mask.dropout_off:
        setting = "norms update" if plan.mask.norms_held else "dropout on"
        raise ExportError(
            "{trainer} cannot keep frozen modules in eval mode, as '{name}' should be."
            if len(held) == 1
            else "{trainer} cannot keep frozen modules in eval mode, as '{name}' and {count} more should be.",
            "Add the rule '{setting}' to let the training loop have them, or export to transformers-trainer.",
            trainer=trainer,
            name=held[0],
            count=len(held) - 1,
            setting=setting,
        )


def require_language_model(plan: ExportPlan, trainer: str, multimodal: bool = True) -> None:
    """Check that the model is one that the trainer trains: transformers', and it continues texts.

    Raises:
        ExportError: with the reason, and what comes nearest.
    """
    root = plan.task.root
    if not plan.task.of_transformers or not (plan.task.causal or multimodal and plan.task.multimodal):
        raise ExportError(
            "{trainer} trains Hugging Face language models by id or folder, and {source} as {root} is none.",
            "Export to transformers-trainer or pytorch."
            if root.endswith("ForConditionalGeneration")
            else "Export to transformers-trainer or pytorch, or give the source the task causal-lm.",
            trainer=trainer,
            source=plan.source,
            root=root,
        )


def require_no_tokens(lora: LoraOptions, trainer: str) -> None:
    """Check that no single rows of the table of words train.

    Raises:
        ExportError: some do.
    """
    if lora.tokens:
        raise ExportError(
            "{trainer} has no words for single tokens that train.",
            "Leave 'tokens' out, or export to trl or axolotl.",
            trainer=trainer,
        )


def require_untied_tokens(plan: ExportPlan, trainer: str) -> None:
    """Check that single tokens train in no table that is the head too: TRL reads a bias of the head, and PEFT's layer
    for them has none.

    Raises:
        ExportError: they do.
    """
    if plan.lora and plan.lora.tokens and any(p.aliases for p in plan.tree.parameters if p.kind == "embedding"):
        raise ExportError(
            "{trainer} cannot train single tokens where the head is the table of words itself.",
            "Leave 'tokens' out, or export to transformers-trainer.",
            trainer=trainer,
        )


def require_whole(plan: ExportPlan, trainer: str) -> LoraOptions:
    """The adapters, where these and what PEFT saves beside them are all that trains.

    Raises:
        ExportError: there are none, or something else trains.
    """
    if plan.lora is None:
        raise ExportError(
            "{trainer} trains adapters, and {source} has none.",
            "Give the source one, such as 'lora r=8', or export to trl.",
            trainer=trainer,
            source=plan.source,
        )
    if not plan.lora.whole:
        raise ExportError(
            "{trainer} trains all adapters and whole modules beside them, and '{rules}' is something else.",
            "Write 'freeze all; train adapters', with whole modules that are not tied to others, or export to trl.",
            trainer=trainer,
            rules=plan.rules,
        )
    return plan.lora
