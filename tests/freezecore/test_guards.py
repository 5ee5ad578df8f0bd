"""Take each guard out of a copy of the code, and see the repro that it guards against fail."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.freezecore.guards import GUARDS, REPROS

ROOT = Path(__file__).parents[2]
SKIPPED = shutil.ignore_patterns("__pycache__")
FAILED = 1


def test_each_guard_stands_where_it_is_said_to_and_each_repro_has_one():
    for guard in GUARDS:
        text = (ROOT / "freezecore" / guard.file).read_text(encoding="utf-8")
        assert text.count(guard.text) == 1, guard.name
    written = (ROOT / REPROS).read_text(encoding="utf-8").split("\ndef ")[1:]
    repros = {each.partition("(")[0] for each in written if each.startswith("test_")}
    assert repros == {guard.test for guard in GUARDS}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the runs are forks")
def test_every_repro_passes_with_the_guards_and_fails_without_its_own(tmp_path):
    for name in ("freezecore", "tests/freezecore"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=SKIPPED)
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.freezecore.without_guards", str(tmp_path)]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1800)
    codes = json.loads(ran.stdout.splitlines()[-1])
    assert codes.pop("") == 0
    assert codes == {guard.name: FAILED for guard in GUARDS}
