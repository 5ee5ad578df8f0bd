"""The optimizer's part of every Python target: only what trains, its learning rates, and what an epoch changes."""

from __future__ import annotations

from string import Template

from freezecore._export.model import call
from freezecore._export.plan import Plan, number
from freezecore._export.python import assigned, items
from freezecore._export.selection import Cover

BEGIN_EPOCH = Template('''\
def begin_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    """Freeze for this epoch; the optimizer then holds what trains, in the model's order."""
    freeze(model, epoch)
$clear$update
''')

CLEAR = """\
    for parameter in model.parameters():
        if not parameter.requires_grad:  # a stale gradient or momentum would move it
            parameter.grad = None
            optimizer.state.pop(parameter, None)
"""
ONE_GROUP = """\
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer.param_groups[0]["params"] = trainable"""
ALL_GROUPS = """\
    for group, now in zip(optimizer.param_groups, parameter_groups(model), strict=True):
        group["params"] = now["params"]"""

GROUPS = Template('''\
$constants


def learning_rate(name: str) -> float:
    """$what"""
$body


def parameter_groups(model: nn.Module) -> list[dict]:
    """What trains, by learning rate; a group is empty until something of it trains."""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        group = groups.setdefault(learning_rate(name), [])
        if parameter.requires_grad:
            group.append(parameter)
    return [{"params": group, "lr": rate} for rate, group in groups.items()]
''')

CHECK_COUNTS = Template('''\
trainable = [p for p in model.parameters() if p.requires_grad]
counts = len(trainable), sum(p.numel() for p in trainable)
assert counts == ($count, $scalars), f"Not the model this was made for: {counts} train"''')

CHECK_OPTIMIZER = """\
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in model.parameters() if p.requires_grad}"""


def rated(plan: Plan) -> bool:
    """Whether parts of the model have learning rates of their own."""
    return plan.head_learning_rate is not None or plan.layer_decay is not None


def definitions(plan: Plan, *, phases: bool) -> list[str]:
    """Top-level functions: parameter groups where rates differ, `begin_epoch` for a loop with `phases`."""
    found = []
    if rated(plan):
        found.append(_groups(plan))
    if phases and plan.scheduled:
        update = ALL_GROUPS if rated(plan) else ONE_GROUP
        found.append(BEGIN_EPOCH.substitute(clear=CLEAR if plan.shrinks else "", update=update))
    return found


def parameters(plan: Plan, model: str = "model") -> str:
    """The expression that an optimizer is given."""
    return f"parameter_groups({model})" if rated(plan) else f"[p for p in {model}.parameters() if p.requires_grad]"


def adamw(plan: Plan, model: str = "model", *, indent: int = 0, before: int = 0, after: int = 0) -> str:
    """AdamW over what trains, on a line indented by `indent`; `before` and `after` count what else stands on it."""
    arguments = [parameters(plan, model), f"lr={number(plan.rate)}"]
    return call("torch.optim.AdamW", arguments, indent=indent, taken=before + after)


def check_counts(plan: Plan) -> str:
    """The assertion that exactly what was chosen trains."""
    _, count, scalars = plan.counts[0]
    return CHECK_COUNTS.substitute(count=count, scalars=f"{scalars:_}")


def _groups(plan: Plan) -> str:
    head = [p.name for p in plan.tree.parameters if p.kind == "head"]
    constants, lines = [], []
    if plan.head_learning_rate is not None and plan.in_head is not None:
        cover = plan.in_head.take or Cover(tuple(head))
        constants.append(assigned("HEAD", items(cover.paths)))
        lines += ['    if f"{name}.".startswith(HEAD):', f"        return {number(plan.head_learning_rate)}"]
    if plan.layer_decay is None:
        lines.append(f"    return {number(plan.rate)}")
        return _filled(constants, "The head's learning rate, or that of the rest.", lines)
    constants += _depths(plan)
    lines += [
        '    depth = len(BLOCKS) + 1 if f"{name}.".startswith(BEFORE) else 0',
        "    for i, block in enumerate(BLOCKS):",
        '        if f"{name}.".startswith(block):',
        "            depth = len(BLOCKS) - i",
        f"    return {number(plan.rate)} * {number(plan.layer_decay)}**depth",
    ]
    return _filled(constants, "Lower the further a block is from the head.", lines)


def _depths(plan: Plan) -> list[str]:
    """Constants: the blocks from the input on, and what stands before them."""
    blocks = [path for tower in plan.tree.towers for path in tower.blocks]
    before = [path for tower in plan.tree.towers for path in (*tower.embeddings, *tower.stem)]
    return [assigned("BLOCKS", items(blocks)), assigned("BEFORE", items(before))]


def _filled(constants: list[str], what: str, lines: list[str]) -> str:
    return GROUPS.substitute(constants="\n".join(constants), what=what, body="\n".join(lines))
