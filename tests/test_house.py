"""The house: imports point one way, a class has a name of its own, and files are where the documents say."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for package in ("freezecore", "app")
    for file in sorted((ROOT / package).rglob("*.py"))
}
CONVENIENCE = {  # a noun's method that calls what works on the noun: `spec = FreezeSpec.parse(text)`, `print(tree)`
    ("freezecore.spec", "freezecore.rules.grammar"),
    ("freezecore.tree", "freezecore.tree_format"),
}


def statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import below a node, inside functions too, but for those that only a type checker reads."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from statements(child)


def imported(module: str) -> set[str]:
    """The modules of this repository that a module imports."""
    found = set()
    for node in statements(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        else:
            below = FILES[module].relative_to(ROOT).parts[: -node.level] if node.level else ()
            source = ".".join((*below, *filter(None, [node.module])))
            found |= {f"{source}.{alias.name}" for alias in node.names} | {source}
    return {name for name in found if name in FILES and name != module and not module.startswith(f"{name}.")}


@pytest.mark.parametrize("module", FILES)
def test_a_page_that_is_installed_under_another_name_finds_its_own_files(module):
    """The page's package is `app` here and `freeze_explorer` in a wheel; `freezecore` is itself in both."""
    for node in statements(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        if isinstance(node, ast.ImportFrom) and node.level:
            assert module.partition(".")[0] == "app"
        else:
            assert not [name for name in names if name.partition(".")[0] == "app"]


def test_imports_run_in_no_circle():
    graph = {module: {n for n in imported(module) if (module, n) not in CONVENIENCE} for module in FILES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_each_circle_that_is_allowed_is_still_there():
    assert {pair for pair in CONVENIENCE if pair[1] in imported(pair[0])} == CONVENIENCE


def test_a_class_has_a_name_of_its_own():
    places = defaultdict(list)
    for module, file in FILES.items():
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module)
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}
