"""Target `accelerate`: a training loop that runs on any number of devices, in mixed precision where asked."""

from __future__ import annotations

from string import Template

from freezecore._export import optimizing
from freezecore._export.batches import batch_of
from freezecore._export.plan import Plan
from freezecore._export.script import loop, script

FINE_TUNE = Template("""\
def fine_tune(loader, $arguments) -> nn.Module:
    $docstring
    accelerator = Accelerator()
$alone    optimizer = $optimizer
    prepared, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for $epoch in range($span):
$begin        prepared.train()
        for $unpacked in loader:
            loss = $loss
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
$check
    return accelerator.unwrap_model(prepared)
""")
ALONE = """\
    if accelerator.num_processes > 1:  # DDP reads requires_grad once, when it wraps
        raise RuntimeError("Gradual unfreezing needs a single process.")
"""


def export(plan: Plan) -> str:
    """A script with `fine_tune(loader)` around `Accelerator`.

    Raises:
        ExportError: the model has no head.
    """
    batch = batch_of(plan)
    fine_tune = FINE_TUNE.substitute(
        **loop(plan, f"Train on {batch.what}; returns the trained model."),
        alone=ALONE if plan.scheduled else "",
        optimizer=optimizing.adamw(plan, indent=4, before=len("optimizer = ")),
        begin="        begin_epoch(model, optimizer, epoch)\n" if plan.scheduled else "",
        unpacked=batch.unpacked,
        loss=batch.loss.replace("model(", "prepared("),
        check=optimizing.CHECK_OPTIMIZER,
    )
    needs = {"import torch", "from accelerate import Accelerator", "from torch import nn"}
    return script(plan, needs=needs, functions=[fine_tune], body=[optimizing.check_counts(plan)])
