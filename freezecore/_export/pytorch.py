"""Target `pytorch`: a function that freezes, its call, and an optimizer over what trains; needs nothing but torch."""

from __future__ import annotations

from freezecore._export import optimizing
from freezecore._export.plan import Plan, number
from freezecore._export.script import script


def export(plan: Plan) -> str:
    """A script that builds the model, freezes it and makes its optimizer."""
    trainable, counts, check = optimizing.check_counts(plan).split("\n")
    chosen = "parameter_groups(model)" if optimizing.rated(plan) else "trainable"
    optimizer = f"optimizer = torch.optim.AdamW({chosen}, lr={number(plan.rate)})"
    body = [f"{trainable}\n{optimizer}", f"{counts}\n{check}"]
    if plan.scheduled:
        body.append("# As each epoch begins: begin_epoch(model, optimizer, epoch)")
    return script(plan, needs={"import torch"}, body=body)
