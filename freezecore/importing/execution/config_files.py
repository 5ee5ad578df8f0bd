"""OpenMMLab's configurations in Python, several in one text: each is run on its own and merged into those it stands on.

The rule is mmengine's: `_base_ = [...]` merges dictionaries key by key, `with read_base():` takes over the names.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.openmmlab_config import ConfigDict
from freezecore.importing.libraries.openmmlab import STAGES, merged

STANDS = re.compile(r"^(?:_base_\s*=|with read_base\(\))", re.MULTILINE)
HEADING = re.compile(r"""#[\s#=*>-]*(?:(?:file|filename|base|config|path)\b\s*[:=]?)?[\s`'"]*([\w./\\-]+\.py)\W*""")
IMPORTS = (ast.Import, ast.ImportFrom)
FREEZES_NOTHING = re.compile(r"(?:^|[/.])(?:datasets|schedules)[/.]|runtime")


@dataclass(eq=False)
class ConfigFile:
    """One configuration of a text.

    Attributes:
        name: its name without folder and ending, by the comment that heads it; empty where none does.
        first: the line at which it begins.
        body: its statements, without those that name what it stands on.
        bases: paths of the configurations that it stands on; `base_line` names them.
        taken: in `with read_base()`, by path, the names taken over: `*`, or (name, name here).
    """

    name: str
    first: int
    body: list = field(default_factory=list)
    bases: list[str] = field(default_factory=list)
    base_line: int = 0
    taken: dict[str, list] = field(default_factory=dict)
    code: object = None

    def add(self, statement: ast.stmt) -> None:
        if _is_base(statement) and not isinstance(statement.value, (ast.Call, ast.Dict)):
            self.base_line = statement.lineno
            self.bases += [each.value for each in ast.walk(statement.value) if isinstance(each, ast.Constant)
                           and isinstance(each.value, str)]  # fmt: skip
        elif _reads_base(statement):
            self.base_line = self.base_line or statement.lineno
            for each in statement.body:
                if isinstance(each, ast.ImportFrom):
                    path = "." * each.level + (each.module or "")
                    self.bases.append(path)
                    self.taken[path] = [(alias.name, alias.asname or alias.name) for alias in each.names]
        else:
            self.body.append(statement)

    def imports_at_the_end(self) -> list:
        """Take its last imports out of it, which belong to the one below."""
        kept = next((n for n in range(len(self.body), 0, -1) if not isinstance(self.body[n - 1], IMPORTS)), 0)
        taken = self.body[kept:]
        del self.body[kept:]
        return taken


def files_in(text: str, parsed: ast.Module) -> list[ConfigFile]:
    """The configurations of a text, of which one at least stands on another; none for any other text.

    One begins at a comment that is a file's name, and where `_base_` or `read_base()` stands after other statements.
    """
    if not STANDS.search(text):
        return []
    lines = dict(enumerate(text.splitlines(), 1))
    lines |= {each.lineno: f"# {each.value.value}" for each in parsed.body
              if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)}  # fmt: skip
    heads = {n: found[1] for n, line in lines.items() if (found := HEADING.fullmatch(line))}
    files: list[ConfigFile] = []
    end = 0
    for statement in parsed.body:
        head = max((n for n in heads if end < n <= statement.lineno), default=0)
        another = _is_base(statement) and (files[-1].body or files[-1].bases) if files else True
        if head or another:
            files.append(ConfigFile(_stem(heads[head]) if head else "", head or statement.lineno))
        elif _reads_base(statement) and not all(isinstance(each, IMPORTS) for each in files[-1].body):
            files.append(ConfigFile("", statement.lineno, files[-1].imports_at_the_end()))
        files[-1].add(_Bases().visit(statement))
        end = statement.end_lineno or statement.lineno
    return files


def run(files: list[ConfigFile], space: Callable[[], dict]) -> dict:
    """Run each on what it stands on; everything they define, and the last that no other stands on, merged.

    `space` makes the names that a configuration begins with. What is not pasted along is told.
    """
    standing = {id(one): _bases(one, files) for one in files}
    under = {id(base) for found in standing.values() for base in found.values()}
    last = [one for one in files if id(one) not in under] or files
    made: dict[int, dict] = {}
    names: dict = {}
    for one in files:
        _run(one, standing, space, made, names)
    for one in last[:-1]:
        if made[id(one)].keys() & {"model", "custom_hooks"}:
            now().tell("of several configurations only the last is followed", one.first)
    return {**names, **made[id(last[-1])]}


def lines_of(files: list[ConfigFile]) -> dict[str, int]:
    """By name the line of the last statement on it that freezes, else of the last one."""
    found: dict[str, tuple[bool, int]] = {}
    for statement in (each for one in files for each in one.body):
        told = STAGES.search(ast.unparse(statement)) is not None
        for name in {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)}:
            found[name] = max(found.get(name, (False, 0)), (told, statement.lineno))
    return {name: line for name, (_, line) in found.items()}


def _run(one: ConfigFile, standing: dict, space: Callable[[], dict], made: dict[int, dict], names: dict) -> dict:
    if id(one) in made:
        return made[id(one)]
    made[id(one)] = {}  # also for one that stands on itself
    below: dict = {}
    for path, base in standing[id(one)].items():
        held = _run(base, standing, space, made, names)
        taken = one.taken.get(path, [("*", "*")])
        for name, here in taken:
            below |= copy.deepcopy(held) if name == "*" else {here: copy.deepcopy(held[name])} if name in held else {}
    for path in one.bases:
        base = standing[id(one)].get(path)
        if base is None or not base.name and "model" not in below:
            if FREEZES_NOTHING.search(path) and "model" in below:
                now().note("'{name}' is not pasted along; by its place it says nothing of what trains.", name=path)
            else:
                now().tell("the configuration that this one stands on is not pasted along", one.base_line)
    own = space() | (below if one.taken else {"_base_": ConfigDict(below)})
    before = dict(own)
    exec(one.code, own)
    own = {name: value for name, value in own.items() if before.get(name) is not value}
    names |= own
    if type(inline := own.pop("_base_", None)) is dict:
        below = merged(below, inline)
    config = {name: value for name, value in own.items() if type(value) in (dict, list, tuple, int, str, ConfigDict)}
    made[id(one)] = ConfigDict(below | config if one.taken else merged(below, config))
    return made[id(one)]


def _bases(one: ConfigFile, files: list[ConfigFile]) -> dict[str, ConfigFile]:
    """By path those of the text that it stands on: by their names, else the one above it that has none."""
    found = {}
    above = next((each for each in reversed(files[: files.index(one)]) if not each.name), None)
    for path in one.bases:
        base = next((each for each in files if each is not one and each.name and each.name == _stem(path)), above)
        if base is not None:
            found[path] = base
            if base is above:
                now().note("What stands from line {first} on was taken for '{name}'.", first=base.first, name=path)
    return found


def _stem(path: str) -> str:
    return re.split(r"[/\\.:]", re.sub(r"\.py$", "", path))[-1]


def _is_base(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "_base_"


def _reads_base(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.With) and "read_base" in ast.unparse(statement.items[0].context_expr)


class _Bases(ast.NodeTransformer):
    """`{{_base_.model}}`, which is filled in before Python sees it."""

    def visit_Set(self, node: ast.Set) -> ast.AST:
        inner = node.elts[0]
        return inner.elts[0] if isinstance(inner, ast.Set) and "_base_" in ast.unparse(inner) else node
