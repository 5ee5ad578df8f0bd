"""Target `timm`: timm's optimizer factory and the model's own transforms around the freeze."""

from __future__ import annotations

from string import Template

from freezecore._export import optimizing
from freezecore._export.model import call
from freezecore._export.plan import Plan, number
from freezecore._export.script import loop, script
from freezecore.errors import ExportError

TRANSFORMS = """\
data = resolve_model_data_config(model)  # size and normalisation
train_transform = create_transform(**data, is_training=True)
eval_transform = create_transform(**data)"""

FINE_TUNE = Template("""\
def fine_tune(loader, $arguments) -> None:
    $docstring
    for $epoch in range($span):
$begin        model.train()
        for inputs, labels in loader:
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
$check
""")


def export(plan: Plan) -> str:
    """A script around `timm.create_model`, `create_optimizer_v2` and the model's data configuration.

    Raises:
        ExportError: the model is not one of timm's.
    """
    if plan.source.scheme != "timm":
        raise ExportError("{source} is no timm model.", "Export to pytorch, or to accelerate.", source=plan.source)
    own = plan.scheduled or optimizing.rated(plan)  # timm would sort what trains into groups by weight decay
    begin = "        begin_epoch(model, optimizer, epoch)\n" if plan.scheduled else ""
    fine_tune = FINE_TUNE.substitute(
        **loop(plan, "Train on batches of (inputs, labels), whose inputs went through `train_transform`."),
        begin=begin,
        check=optimizing.CHECK_OPTIMIZER,
    )
    what = optimizing.parameters(plan) if own else "model"
    needs = {
        "from torch import nn",
        "from timm.data import create_transform, resolve_model_data_config",
        "from timm.optim import create_optimizer_v2",
    }
    if plan.scheduled:
        needs.add("import torch")
    settings = ['opt="adamw"', f"lr={number(plan.rate)}", "weight_decay=0.05"]
    optimizer = f"optimizer = {call('create_optimizer_v2', [what, *settings], taken=12)}"
    body = [optimizer, TRANSFORMS, optimizing.check_counts(plan)]
    return script(plan, needs=needs, functions=[fine_tune], body=body)
