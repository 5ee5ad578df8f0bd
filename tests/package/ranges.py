"""Installs every extra at both ends of its ranges and runs a part of the tests there, slowly and from a registry.

`python -m tests.package.ranges [--python 3.13] [--end lowest-direct]` prints the versions side by side, as they stand
in docs/measured.md; it fails where an end cannot be installed or a test fails there.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tests.package.conftest import interpreter

ROOT = Path(__file__).parents[2]
ENDS = ("lowest-direct", "highest")
UV = (sys.executable, "-m", "uv")
TESTS = (  # each extra is used by one of them
    *("tests/freezecore/test_one_call.py", "tests/freezecore/test_mcp.py", "tests/app/test_notebook.py"),
    *("tests/freezecore/runtime/build/test_adapter.py", "tests/freezecore/runtime/data/test_data.py"),
    *("tests/freezecore/runtime/train/test_scenes.py", "tests/app/parts/test_upload.py"),
)
NEEDED_BY_TESTS = ("pytest", "hypothesis", "jsonschema")


def named() -> list[str]:
    """The libraries that the distribution and its extras name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    names = {re.match(r"[\w.-]+", text)[0] for text in listed}
    return sorted(names - {project["name"]}, key=str.lower)


def installed(end: str, version: str, folder: Path) -> Path:
    """The Python of a new environment with every extra at this end of its range."""
    python = folder / end / "bin" / "python"
    subprocess.run([*UV, "venv", "-q", "--python", interpreter(version) or version, folder / end], check=True)
    install = [*UV, "pip", "install", "-q", "--python", python]
    extras = ["-r", ROOT / "pyproject.toml", "--all-extras", "--resolution", end]
    subprocess.run([*install, *extras], check=True)
    subprocess.run([*install, *NEEDED_BY_TESTS], check=True)
    return python


def versions(python: Path) -> dict[str, str]:
    listed = subprocess.run(
        [*UV, "pip", "list", "--format", "json", "--python", python], check=True, capture_output=True
    )
    return {one["name"].lower(): one["version"] for one in json.loads(listed.stdout)}


def passes(python: Path) -> bool:
    """Whether the tests pass with the libraries of this environment and the files of this checkout."""
    marks = "not slow and not gpu and not browser"
    done = subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", marks, *TESTS], cwd=ROOT)
    return done.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=f"3.{sys.version_info.minor}", metavar="VERSION")
    parser.add_argument("--end", choices=ENDS, action="append", help="one end alone (default: both)")
    options = parser.parse_args()
    ends = options.end or ENDS
    found, failed = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for end in ends:
            python = installed(end, options.python, Path(folder))
            found[end] = versions(python)
            failed += [] if passes(python) else [end]
    print(f"| Python {options.python} |", " | ".join(ends), "|\n|", "--- |" * (len(ends) + 1))
    for name in named():
        print(f"| {name} |", " | ".join(found[end][name.lower()] for end in ends), "|")
    sys.exit(f"tests fail at: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
