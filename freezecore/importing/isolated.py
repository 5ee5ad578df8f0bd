"""Pasted Python is run in a process of its own, which has no environment, no folder, no files and little time."""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys
import tempfile
from functools import cache
from pathlib import Path

from freezecore import sentences
from freezecore.errors import ExportError
from freezecore.importing.libraries.openmmlab import backbone_of
from freezecore.tree import LayerTree

CHILD = Path(__file__).with_name("execution") / "child.py"
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 6.0
LONGEST_ANSWER = 16 * 2**20


def run(text: str, tree: LayerTree) -> dict:
    """What the process answers of this text for this tree: plain data.

    Raises:
        ExportError: the compiler is missing, it ran out of time or memory, or it ended without an answer.
    """
    if sys.platform == "emscripten":  # a browser's worker, which has nothing to reach and is ended when it is late
        from freezecore.importing.execution.child import answered

        return answered(text, plain(tree))
    compiler = _compiler_folder()
    if compiler is None:
        raise ExportError(
            "Pasted Python is compiled by RestrictedPython, which is not installed.",
            "Install it, or paste rules or names.",
        )
    import subprocess  # absent in a browser, whose worker is the process that runs it

    question = marshal.dumps((text, plain(tree)))
    folders = [str(ROOT), compiler]
    environment = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if sys.platform == "win32" else {}
    try:
        folder = tempfile.TemporaryDirectory()
    except OSError as error:
        raise ExportError(
            "Pasted Python needs an empty folder for a moment, and none can be made: {cause}.",
            "Make room on the disk, or set TMPDIR to a folder that may be written.",
            cause=error.strerror,
        ) from error
    with folder as empty:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CHILD), *folders],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment, cwd=empty, start_new_session=True,
        )  # fmt: skip
        try:
            said, _ = process.communicate(question, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise _too_much() from None
    if process.returncode != 0 or not said or len(said) > LONGEST_ANSWER:
        raise _too_much()
    return sentences.loads(said)


@cache
def _compiler_folder() -> str | None:
    """Where RestrictedPython is installed; None where it is not."""
    found = importlib.util.find_spec("RestrictedPython")
    return str(Path(found.origin).parents[1]) if found is not None and found.origin else None


def _too_much() -> ExportError:
    return ExportError(
        "This Python takes more than the {seconds:.0f} s or the memory that it is given.",
        "Paste the lines that freeze.",
        seconds=SECONDS,
    )


def plain(tree: LayerTree) -> dict:
    return {
        "source": tree.source,
        "head": list(tree.head),
        "towers": [list(tower.blocks) for tower in tree.towers],
        "backbone": backbone_of(tree),
        "layers": [(layer.path, layer.type, layer.bases, layer.aliases) for layer in tree.layers],
        "parameters": [(p.name, p.shape, p.dtype, p.frozen_by_author, p.aliases) for p in tree.parameters],
    }
