"""What a script's text says before it is run: the names that it needs, calls and reads, the epochs it names."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator

from freezecore.importing.execution.run import FARTHEST_EPOCH, MOST_EPOCHS, PASTED

HOOK = re.compile(r"on_[a-z_]+|before_[a-z_]+|freeze_before_training|finetune_function")
AT_EPOCH = re.compile(r"epoch|\bep\b", re.IGNORECASE)
ABOUT_FREEZING = re.compile(r"freez|thaw|milestone|warm_?up", re.IGNORECASE)


def calls_hooks(parsed: ast.AST) -> bool:
    """Whether the text itself calls a hook of a framework, other than of something made on the spot."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and HOOK.fullmatch(node.func.attr)
        and not (isinstance(node.func.value, ast.Call) and isinstance(node.func.value.func, ast.Name))
        for node in ast.walk(parsed)
    )  # fmt: skip


def called_by_name(parsed: ast.AST) -> set[str]:
    """What is called by name, rather than handed to something."""
    return {each.func.id for each in ast.walk(parsed) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}


def names_by_definition(parsed: ast.Module) -> dict[str, set[str]]:
    """What names each function and class at the top reads; under an empty name what everything else reads."""
    found: dict[str, set[str]] = {"": set()}
    for node in parsed.body:
        key = node.name if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else ""
        read = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
        found.setdefault(key, set()).update(read)
    return found


def epochs_told_apart(parsed: ast.Module) -> int:
    """How many epochs the text's own numbers tell apart: small ones, and those about epochs or freezing."""
    numbers = [n.value for n in ast.walk(parsed) if isinstance(n, ast.Constant) and type(n.value) is int]
    near = min(MOST_EPOCHS, max([n for n in numbers if 0 <= n < MOST_EPOCHS], default=0) + 2)
    return max([near, *(n + 2 for n in epochs_named(parsed) if n < FARTHEST_EPOCH)])


def epochs_named(parsed: ast.Module) -> Iterator[int]:
    """Numbers that an epoch is compared with, or that a name about freezing stands for."""
    for node in ast.walk(parsed):
        about = AT_EPOCH if isinstance(node, ast.Compare) else ABOUT_FREEZING
        if isinstance(node, (ast.Compare, ast.Assign, ast.AnnAssign, ast.Call)) and about.search(ast.unparse(node)):
            for each in ast.walk(node):
                if isinstance(each, ast.Constant) and type(each.value) is int:
                    yield each.value


def names_unbound(text: str) -> set[str]:
    """Names that the text uses and never binds."""
    top = symtable.symtable(text, PASTED, "exec")
    used, bound, tables = set(), set(), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            ours = table is top or symbol.is_global()
            if ours and symbol.is_referenced():
                used.add(symbol.get_name())
            if ours and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()):
                bound.add(symbol.get_name())
    return {name for name in used - bound if not name.startswith("__")}


def names_read_first(parsed: ast.Module) -> set[str]:
    """Names that a fragment first binds to what it makes of them, as `model = model.to(device)`."""
    bound, found = set(), set()
    for statement in _statements(parsed.body):
        compound = hasattr(statement, "body")
        heads = [getattr(statement, "target", None), *(each.optional_vars for each in getattr(statement, "items", ()))]
        names = [node for part in (heads if compound else [statement]) if part for node in ast.walk(part)
                 if isinstance(node, ast.Name)]  # fmt: skip
        stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        if isinstance(statement, ast.Assign):
            found |= {node.id for node in names if isinstance(node.ctx, ast.Load)} & stored - bound
        bound |= stored | {getattr(statement, "name", "")}
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            bound |= {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    return found


def _statements(body: list) -> Iterator[ast.stmt]:
    """Statements in order, with those inside of others, but for what definitions hold."""
    for statement in body:
        yield statement
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for part in (statement, *getattr(statement, "handlers", ())):
                for inner in ("body", "orelse", "finalbody"):
                    yield from _statements(getattr(part, inner, []))


def lines_without_gradients(parsed: ast.AST) -> list[int]:
    """Lines of a `forward` behind which no gradient gets: under `torch.no_grad()`, or `self.part(x).detach()`."""
    found = []
    inside = [each for node in ast.walk(parsed) if isinstance(node, ast.FunctionDef) and node.name == "forward"
              for each in ast.walk(node)]  # fmt: skip
    for node in inside:
        if isinstance(node, ast.With):
            said = " ".join(ast.unparse(item.context_expr) for item in node.items)
            found += [node.lineno] if "no_grad(" in said or "inference_mode(" in said else []
        if isinstance(node, ast.Call) and re.fullmatch(r"self\.\w+\(.*\)\.detach\(\)", ast.unparse(node), re.DOTALL):
            found.append(node.lineno)
    return found


def attributes_read(parsed: ast.AST) -> dict[str, set[str]]:
    """What attributes the text reads of each name."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(parsed):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.setdefault(node.value.id, set()).add(node.attr)
    return found
