"""Target `pytorch`: a function that freezes, its call, and an optimizer over what trains; needs nothing but torch."""

from __future__ import annotations

from string import Template

from freezecore.export import freezing
from freezecore.export.model import building
from freezecore.export.plan import Plan, number
from freezecore.export.python import imports

SCRIPT = Template("""\
$header
$imports

$definitions

$build
freeze(model)  # before the optimizer is built
trainable = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trainable, lr=$rate)

$check
""")

CHECK = Template("""\
counts = len(trainable), sum(p.numel() for p in trainable)
assert counts == ($count, $scalars), f"Not the model this was made for: {counts} train\"""")


def export(plan: Plan) -> str:
    """A script that builds the model, freezes it and makes its optimizer."""
    made = building(plan.source, plan.tree.layers[0].type)
    definitions = freezing.definitions(plan)
    if plan.scheduled:
        definitions += "\n\n" + freezing.phase_change(plan)
    return SCRIPT.substitute(
        header=plan.header,
        imports=imports({"import torch"} | made.imports | freezing.imports(plan)),
        definitions=definitions,
        build=made.lines,
        rate=number(plan.rate),
        check=check(plan),
    )


def check(plan: Plan) -> str:
    """The assertion that exactly what was chosen trains."""
    _, count, scalars = plan.counts[0]
    return CHECK.substitute(count=count, scalars=f"{scalars:_}")
