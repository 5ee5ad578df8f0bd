"""Take each guard out of a copy of the code, and see the repro that it guards against fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.freezecore.guards import GUARDS, REPROS

ROOT = Path(__file__).parents[2]
SKIPPED = shutil.ignore_patterns("__pycache__")


def test_each_guard_stands_where_it_is_said_to_and_each_repro_has_one():
    for guard in GUARDS:
        text = (ROOT / "freezecore" / guard.file).read_text(encoding="utf-8")
        assert text.count(guard.text) == 1, guard.name
    written = (ROOT / REPROS).read_text(encoding="utf-8").split("\ndef ")[1:]
    repros = {each.partition("(")[0] for each in written if each.startswith("test_")}
    assert repros == {guard.test for guard in GUARDS}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root = tmp_path_factory.mktemp("without-guards")
    for name in ("freezecore", "tests/freezecore"):
        shutil.copytree(ROOT / name, root / name, ignore=SKIPPED)
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, root / name)
    return root


def run(root: Path, test: str) -> int:
    """Exit code of pytest: 0 where all pass, 1 where one fails; anything else is no verdict."""
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", test]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=900, check=False).returncode


@pytest.mark.slow
def test_all_repros_pass_with_the_guards_in_place(copy):
    assert run(copy, REPROS) == 0


@pytest.mark.slow
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_repro_fails_without_its_guard(copy, guard):
    file = copy / "freezecore" / guard.file
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(guard.text, guard.instead), encoding="utf-8")
    try:
        assert run(copy, f"{REPROS}::{guard.test}") == 1
    finally:
        file.write_text(text, encoding="utf-8")
