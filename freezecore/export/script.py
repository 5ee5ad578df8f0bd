"""Scripts: the order of an exported Python file, the same for every target."""

from __future__ import annotations

from collections.abc import Iterable

from freezecore.export import freezing, optimizing
from freezecore.export.model import building
from freezecore.export.plan import Plan
from freezecore.export.python import imports


def script(
    plan: Plan, *, needs: Iterable[str], functions: Iterable[str] = (), body: Iterable[str], phases: bool = True
) -> str:
    """Header, imports, the freeze, the target's own functions, then what runs when the file does.

    Args:
        needs: import lines beside those of the freeze and of the model.
        functions: top-level functions and classes of the target.
        body: statements that follow `freeze(model)`, a paragraph each.
        phases: the target changes a torch optimizer's groups as an epoch begins.
    """
    made = building(plan.source, plan.tree.layers[0].type)
    lines = {*needs, *made.imports, *freezing.imports(plan)}
    blocks = [freezing.definitions(plan), *optimizing.definitions(plan, phases=phases), *functions]
    first = f"{made.lines}\nfreeze(model)  # before the optimizer is built"
    top = f"{plan.header}\n{imports(lines)}\n\n{blocks[0].rstrip()}"
    rest = ["\n\n".join([first, *body])]
    return "\n\n\n".join([top, *(block.strip("\n") for block in blocks[1:]), *rest]) + "\n"


def epochs(plan: Plan) -> int:
    """How many epochs an example trains: one of the last phase, three where nothing changes."""
    return plan.masks[-1][0] + 1 if plan.scheduled else 3
