"""The two halves: only `freezecore.runtime` imports torch, and nothing in freezecore knows the page."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import freezecore

PACKAGE = Path(freezecore.__file__).parent
HEAVY = {"torch", "timm", "transformers", "torchvision", "datasets"}
PAGE = {"streamlit", "plotly", "app"}
DOORS = ("api.py", "serving/", "cli/")  # open the half that needs torch when they are called
LIGHT = [f for f in PACKAGE.rglob("*.py") if "runtime" not in f.relative_to(PACKAGE).parts]
WITHOUT_THE_HEAVY_HALF = """
import sys
for name in ("torch", "timm", "transformers", "streamlit", "plotly", "app", "pandas"):
    sys.modules[name] = None  # any import of it now raises
import freezecore as fc
spec = fc.FreezeSpec.parse("freeze all; train head")
assert str(spec) == "freeze all; train head"
"""


def imported(file: Path, top_only: bool = False) -> set[str]:
    """Full names of the modules that a file imports, anywhere or at its top."""
    tree = ast.parse(file.read_text())
    nodes = tree.body if top_only else ast.walk(tree)
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("file", LIGHT, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_the_light_half_imports_no_heavy_library(file):
    roots = {name.split(".")[0] for name in imported(file)}
    type_checking_only = file.name == "api.py"
    assert not roots & (HEAVY - {"torch"} if type_checking_only else HEAVY)


@pytest.mark.parametrize("file", LIGHT, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_only_the_doors_open_the_live_half(file):
    opens = {name for name in imported(file) if name.startswith("freezecore.runtime")}
    assert not opens or str(file.relative_to(PACKAGE)).startswith(DOORS)
    assert not {name for name in imported(file, top_only=True) if name.startswith("freezecore.runtime")}


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_freezecore_does_not_know_the_page(file):
    assert not {name.split(".")[0] for name in imported(file)} & PAGE


def test_freezecore_imports_and_reads_rules_where_no_heavy_library_is():
    subprocess.run([sys.executable, "-c", WITHOUT_THE_HEAVY_HALF], check=True, timeout=120)


def test_only_the_mask_writes_requires_grad():
    writers = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if any(isinstance(target, ast.Attribute) and target.attr == "requires_grad" for target in targets):
                writers.add(file.name)
    assert writers == {"mask.py"}
