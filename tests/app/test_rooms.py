"""The page's rooms: which may use which, where Streamlit is, and who touches its state."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APP = ROOT / "app"
MAY_USE = {  # rooms of app/ by what they may import of each other
    "text": set(),
    "link": {"text"},
    "service": {"text", "link"},
    "figures": {"text", "link", "service"},
    "components": {"text"},
    "state": {"text", "link", "service"},
    "server": {"text", "link", "service", "figures", "components"},
    "parts": {"text", "link", "service", "figures", "components", "state", "server"},
    "tick": {"text", "link", "service", "figures", "components", "state", "server", "parts"},
    "views": {"text", "link", "service", "figures", "components", "state", "server", "parts", "tick"},
    "page": {"state", "server", "parts", "views"},
    "around": {"server", "tick"},
    "asgi": set(),
    "notebook": {"text", "components"},  # the tree as a widget, in a notebook of one's own
    "main": set(),  # Streamlit's own scripts belong to no package: they open it by its name
    "__main__": {"server"},
}
PLAIN = (
    sorted(APP.glob("service/*.py")) + sorted(APP.glob("figures/*.py")) + [APP / "link.py", APP / "text/__init__.py"]
)
PACKING = [APP / "components/tree/bits.py", APP / "components/tree/packed.py"]  # below a file that declares a component
STREAMLITS_STATE = {"session_state", "query_params"}

BLOCKED = """
import importlib, sys
sys.modules["streamlit"] = None  # any import of it raises from here on
for module in sys.argv[1:]:
    importlib.import_module(module)
"""


def imports(file: Path) -> set[str]:
    """Dotted names that a file imports, with those that it takes from them."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            below = file.relative_to(ROOT).parts[: -node.level] if node.level else ()
            found |= {".".join((*below, *filter(None, [node.module]), alias.name)) for alias in node.names}
    return found


def room(file: Path) -> str:
    return file.relative_to(APP).parts[0].removesuffix(".py")


@pytest.mark.parametrize("name", MAY_USE)
def test_a_room_uses_only_those_below_it(name):
    files = [file for file in APP.rglob("*.py") if room(file) == name]
    used = {(file.name, one.split(".")[1]) for file in files for one in imports(file) if one.startswith("app.")}
    assert files
    assert {(file, other) for file, other in used if other not in MAY_USE[name] | {name}} == set()


def test_every_file_of_the_page_stands_in_a_room():
    assert {room(file) for file in APP.rglob("*.py")} == {*MAY_USE, "__init__"}


def test_what_the_page_asks_for_and_its_figures_need_no_streamlit():
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in PLAIN]
    done = subprocess.run([sys.executable, "-c", BLOCKED, *modules], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not {one for file in PACKING for one in imports(file) if one.startswith("streamlit")}


def test_only_one_file_touches_the_visitors_state():
    """And a component its own key, since it is drawn without the page too."""
    touching = {
        file.relative_to(APP).as_posix()
        for file in APP.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in STREAMLITS_STATE
    }
    assert touching == {"state.py", "components/tree/mount.py", "components/rules_editor/mount.py"}
