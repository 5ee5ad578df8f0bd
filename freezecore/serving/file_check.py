"""Looks at a model's file that a visitor dropped, in a process of its own: what it takes, it takes from nobody else.

`python -m freezecore.serving.file_check NAME` reads the content from its standard input, and writes one line of JSON.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Literal

from freezecore import model_file, sentences
from freezecore.errors import FreezeError, SourceError, shortened
from freezecore.schema import parse
from freezecore.serving import process
from freezecore.serving.analyst import protocol

SECONDS = 20
MEMORY_BYTES = 1 * 10**9
AT_ONCE = threading.BoundedSemaphore(2)

Scheme = Literal["config", "file"]


def scheme_of(content: bytes, name: str) -> Scheme:
    """Whether this is a Hugging Face configuration, or a file that `fc.save` wrote.

    Raises:
        SourceError: it is neither, or looking takes too long or too much memory.
    """
    with AT_ONCE:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "freezecore.serving.file_check", shortened(name)],
                input=content,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(process.ROOT)},
                timeout=SECONDS,
                start_new_session=True,
                check=True,
            )
        except subprocess.SubprocessError as error:
            raise _too_much(name) from error
    answer = sentences.loads(done.stdout)
    if "error" in answer:
        raise protocol.error_from_json(answer["error"])
    return answer["scheme"]


def look(content: bytes, name: str) -> Scheme:
    """What `scheme_of` answers, in this process."""
    try:
        data = parse(content)
    except ValueError:
        raise SourceError(
            "'{name}' is no JSON file.", "Drop a model.json or a config.json.", name=shortened(name)
        ) from None
    if isinstance(data, dict) and isinstance(data.get("model_type"), str):
        return "config"
    del data
    model_file.loads(content, name)
    return "file"


def _too_much(name: str) -> SourceError:
    return SourceError(
        "'{name}' takes more time or memory than reading a model is given.", model_file.WRITE_ONE, name=shortened(name)
    )


def main(name: str) -> None:
    """Answer about what comes on the standard input."""
    process.die_first()
    process.limit_memory(MEMORY_BYTES)
    process.limit_time(SECONDS)
    try:
        answer: dict = {"scheme": look(sys.stdin.buffer.read(), name)}
    except FreezeError as error:
        answer = {"error": protocol.error_to_json(error)}
    except MemoryError:
        answer = {"error": protocol.error_to_json(_too_much(name))}
    print(sentences.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
