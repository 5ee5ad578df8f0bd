"""Scripts: the order of an exported Python file, the same for every target."""

from __future__ import annotations

from collections.abc import Iterable

from freezecore._export import freezing, optimizing
from freezecore._export.model import building
from freezecore._export.plan import Plan
from freezecore._export.python import imports


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


def loop(plan: Plan, docstring: str) -> dict[str, str]:
    """For a function that loops over epochs: its arguments, its docstring, its variable, and what it runs through.

    A schedule can be entered at any epoch, so that a resumed run freezes what an unbroken one would.
    """
    arguments = f"epochs: int = {epochs(plan)}"
    if not plan.scheduled:
        return {"arguments": arguments, "docstring": f'"""{docstring}"""', "epoch": "_", "span": "epochs"}
    docstring += "\n\n    To resume, load the weights into `model` and give the epoch that comes first.\n    "
    span = "start_epoch, epochs"
    return {
        "arguments": f"{arguments}, start_epoch: int = 0",
        "docstring": f'"""{docstring}"""',
        "epoch": "epoch",
        "span": span,
    }


def epochs(plan: Plan) -> int:
    """How many epochs an example trains: one of the last phase, three where nothing changes."""
    return plan.masks[-1][0] + 1 if plan.scheduled else 3
