"""One question to a process of its own, which ends with the answer, or when time or memory is up.

What a visitor gives is read there: whatever it takes, it takes from nobody else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

from freezecore import sentences
from freezecore.errors import FreezeError
from freezecore.serving import child_process
from freezecore.serving.analyst import protocol

SECONDS = 20
MEMORY_BYTES = 1 * 10**9
AT_ONCE = threading.BoundedSemaphore(2)


def ask(module: str, argument: str, content: bytes, too_much: FreezeError) -> dict:
    """What the module answers to the content on its standard input.

    Raises:
        FreezeError: what it says of the content, or `too_much` where it came to no end within its time and memory.
    """
    with AT_ONCE:
        try:
            return run(module, argument, content, SECONDS)
        except (subprocess.SubprocessError, OSError) as error:
            raise too_much from error


def run(module: str, argument: str, content: bytes, limit_s: float, **environment: str) -> dict:
    """The line of JSON that the module prints, run in a process of its own.

    Raises:
        FreezeError: what it says went wrong.
        SubprocessError, OSError: it came to no answer, or could not be started.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, argument],
        input=content,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(child_process.ROOT), **environment},
        timeout=limit_s,
        start_new_session=True,
        check=True,
    )
    answer = sentences.loads(done.stdout)
    if "error" in answer:
        raise protocol.error_from_json(answer["error"])
    return answer


def answer(read: Callable[[bytes], dict], too_much: FreezeError) -> None:
    """The process's side: read what comes on the standard input, within the limits, and print one line of JSON."""
    child_process.die_first()
    child_process.limit_memory(MEMORY_BYTES)
    child_process.limit_time(SECONDS)
    try:
        found = read(sys.stdin.buffer.read())
    except FreezeError as error:
        found = {"error": protocol.error_to_json(error)}
    except MemoryError:
        found = {"error": protocol.error_to_json(too_much)}
    print(sentences.dumps(found))
