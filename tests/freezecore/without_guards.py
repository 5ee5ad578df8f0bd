"""Run repros with one guard after another taken out: `python -m tests.freezecore.without_guards FOLDER`.

FOLDER is a copy of the code, the working directory and what is imported. The libraries are imported once; each run is
a fork that imports the code as it then stands. Prints a JSON object: the name of each guard, and pytest's exit code
without it (1 where a repro failed, as it must); under `""`, that of all repros with every guard in place.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

import pytest
import torch  # noqa: F401  imported once, before the forks
import transformers  # noqa: F401

from tests.freezecore.guards import GUARDS, REPROS


def code_of(test: str) -> int:
    """Pytest's exit code for a test, in a fork of this process."""
    child = os.fork()
    if child == 0:
        code = 99
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", test]))
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(root: Path) -> None:
    assert "freezecore" not in sys.modules
    codes = {"": code_of(REPROS)}
    for guard in GUARDS:
        file = root / "freezecore" / guard.file
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(guard.text, guard.instead), encoding="utf-8")
        codes[guard.name] = code_of(f"{REPROS}::{guard.test}")
        file.write_text(text, encoding="utf-8")
    print(json.dumps(codes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
