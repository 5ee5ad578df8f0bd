"""The wheel and the source archive, built once, and environments that hold one of them and nothing of the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import freezecore as fc

ROOT = Path(__file__).parents[2]


def interpreter(version: str) -> str | None:
    """A Python of this version, where one can be had."""
    if sys.version.startswith(f"{version}."):
        return sys.executable
    kept = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python"))
    return next((found for name in (*map(str, kept), f"python{version}") if (found := shutil.which(name))), None)


def run(*command: str | Path, folder: Path, expect: int | None = 0, **environment: str) -> subprocess.CompletedProcess:
    """Run it in a folder, in an environment that names nothing of the checkout."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env={**kept, **environment}, capture_output=True, text=True, timeout=600
    )
    assert expect in (None, done.returncode), f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """A folder with both archives, built from a copy of the packages, so that no build folder is left here."""
    folder = tmp_path_factory.mktemp("built")
    for name in ("freezecore", "app"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    run(sys.executable, "-m", "build", "--no-isolation", folder=folder)
    return folder / "dist"


@pytest.fixture(scope="session")
def environment(tmp_path_factory, built) -> Callable[[str, str], Path]:
    """`environment("3.12", "*.whl")` is the folder of an empty environment's programs, with this archive installed."""
    made: dict[tuple[str, str], Path] = {}

    def make(version: str, archive: str) -> Path:
        python = interpreter(version)
        if python is None:
            pytest.skip(f"there is no Python {version} here")
        if (version, archive) not in made:
            folder = tmp_path_factory.mktemp("environment")
            run(python, "-m", "venv", folder, folder=folder)
            (file,) = built.glob(archive)
            run(folder / "bin" / "python", "-m", "pip", "install", "-q", file, folder=folder)
            made[version, archive] = folder / "bin"
        return made[version, archive]

    return make


@pytest.fixture(scope="session")
def kept(tmp_path_factory) -> Path:
    """A folder with what a person carries about: a model file of a model of their own, and a selection's spec."""
    folder = tmp_path_factory.mktemp("kept")
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 2))
    fc.save(model, torch.randn(4, 8), folder / "model.json")
    (folder / "spec.yaml").write_text(
        fc.export("file:model.json", "freeze all; train head", "spec", tree=fc.read_tree(model))
    )
    return folder
