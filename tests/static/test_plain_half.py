"""The half of the program that runs in a reader's browser needs nothing that a browser's own Python lacks."""

import subprocess
import sys
from pathlib import Path

import pytest

from static import python_files

ROOT = Path(__file__).parents[2]
LACKS = (
    "streamlit", "starlette", "uvicorn", "torch", "timm", "transformers", "sqlite3", "pandas", "numpy", "anyio",
    "plotly", "PIL", "subprocess", "multiprocessing", "fcntl", "resource", "_posixsubprocess", "platformdirs",
    "filelock", "markupsafe._speedups", "yaml._yaml", "yaml.cyaml",
    *(f"{package}.{room}" for package in ("freezecore", "app") for room in python_files.ROOMS[package]),
)  # fmt: skip
PLAIN = (
    "app.link", "app.text", "app.service.selection", "app.service.pricing", "app.service.findings",
    "app.service.smaller_steps", "app.service.gallery", "app.service.lessons", "app.service.rule_words",
    "app.service.mended_rules", "app.figures.cost_charts", "app.figures.timeline", "app.figures.lesson",
    "app.components.tree", "app.components.charts", "app.components.rules_editor", "freezecore._export",
    "freezecore.importing", "freezecore.saved_spec", "freezecore.calibration", "freezecore.model_file", "static.pack",
    "static.answers",
)  # fmt: skip
BLOCKED = """
import importlib, sys
lacks = sys.argv[1].split()
for name in [name for name in sys.modules if name.split(".")[0] in lacks]:
    del sys.modules[name]
sys.modules.update(dict.fromkeys(lacks))  # any import of them raises from here on
importlib.import_module(sys.argv[2])
"""


@pytest.mark.parametrize("module", PLAIN)
def test_it_is_imported_without_what_a_browser_lacks(module):
    asked = [sys.executable, "-c", BLOCKED, " ".join(LACKS), module]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
