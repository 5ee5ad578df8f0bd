"""Target `unsloth`: its own way to load a model and to put LoRA into it, and TRL's trainer."""

from __future__ import annotations

from freezecore._export.causal import require_causal, require_no_tokens, require_whole
from freezecore._export.jinja import render
from freezecore._export.plan import ExportPlan
from freezecore.errors import ExportError

WHOLE = ("embed_tokens", "lm_head")  # which Unsloth trains whole, whatever an adapter is asked for


def export_unsloth(plan: ExportPlan) -> str:
    """A script for Unsloth.

    Raises:
        ExportError: it cannot express the selection; the hint says what comes nearest.
    """
    require_causal(plan, "Unsloth")
    lora = require_whole(plan, "Unsloth")
    require_no_tokens(lora, "Unsloth")
    if isinstance(lora.targets, str) or any(name.rpartition(".")[2] in WHOLE for name in lora.targets):
        raise ExportError(
            "Unsloth takes the names of layers, embeddings and the head aside, and these adapters join others.",
            "Export to trl, or let the adapters join linear layers by their names.",
        )
    return render("unsloth.py.jinja", plan=plan)
