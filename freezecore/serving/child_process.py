"""What every child process shares: it dies with its parent, with its whole group, and keeps within its memory.

Protects from      a crash, a hang, memory that runs out, a parent that is killed, helpers that a child started.
Does not protect   from hostile code: a `py:` source runs with all of the user's rights, which is why the app's
                   owner has to allow it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TextIO, cast

from freezecore import machine
from freezecore.sentences import say

ROOT = Path(__file__).resolve().parents[2]
POSIX = os.name == "posix"
QUIET = {
    "PYTHONUNBUFFERED": "1",
    # Threads that wait for work by spinning take the processor from those that work: with two busy cores a training
    # step was measured at 12 to 26 s so, and at 1.2 to 2.4 s with threads that sleep.
    "OMP_WAIT_POLICY": "passive",
    "KINETO_LOG_LEVEL": "99",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}
LARGEST_LOG = 8 * 2**20
NO_MEMORY = ("can't allocate memory", "not enough memory", "std::bad_alloc", "Cannot allocate memory")


def start(
    module: str, *arguments: str, log: Path, stdout: IO | int | None = None, **environment: str
) -> subprocess.Popen:
    """Start `python -m module` with a pipe to its standard input; what it prints goes to the file `log`.

    `-P` keeps the folder that this was started in off its path, where another copy of these files may lie.
    The child leads a process group of its own, so that a Ctrl+C in the terminal does not reach it and its
    helpers can be ended with it. `log` is a file because a pipe that nobody empties stops the child.
    """
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    with _opened(log) as file:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=file if stdout is None else stdout,
            stderr=file,
            env={**QUIET, **os.environ, "PYTHONPATH": path, **environment},
            start_new_session=True,
        )


def _opened(log: Path) -> IO[bytes]:
    """The file to append to, begun anew when it is large; nowhere, where it cannot be written: nobody depends on it."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            os.replace(log, log.with_suffix(".old.log"))
        return log.open("ab")
    except OSError:
        return open(os.devnull, "ab")


class _Log:
    """A stream whose lines are lost, and nothing else, where there is no room for them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def yield_to_others() -> None:
    """Let every other process go first; Linux then gives this one only what nobody else wants."""
    go_behind(19)
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def go_behind(niceness: int) -> None:
    """Let the processes of usual niceness, such as the web process, go before this one.

    Where Linux shares the processor by sessions (autogroup), niceness weighs only inside of one: a session of its own,
    as `start` gives a child, takes an equal share with the web process until it is made nice as a whole (sched(7)).
    """
    if hasattr(os, "nice"):
        os.nice(niceness)
    with contextlib.suppress(OSError, AttributeError):
        if os.getsid(0) == os.getpid():
            Path("/proc/self/autogroup").write_text(str(niceness))


def survive_full_log() -> None:
    """Let this process go on when what it prints cannot be written."""
    sys.stdout, sys.stderr = cast(TextIO, _Log(sys.stdout)), cast(TextIO, _Log(sys.stderr))


def send_line(process: subprocess.Popen, line: str) -> None:
    """Write a line to the child's standard input, where `follow_parent` reads it.

    Raises:
        OSError: the child has died.
    """
    assert process.stdin is not None
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()


def end(process: subprocess.Popen) -> None:
    """Kill the child's whole group; silent when it has already ended."""
    with contextlib.suppress(OSError):
        if POSIX:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def close(process: subprocess.Popen) -> None:
    """End the child's group, wait for the child and give its pipes back."""
    end(process)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()


def follow_parent(on_line: Callable[[str], None] = lambda line: None) -> None:
    """Read standard input in a thread; when it ends, the parent has gone, and this process and its group end too.

    The kernel closes the pipe however the parent dies. (Linux's own parent-death signal fires when the *thread*
    that started the child ends, which a web server's threads do all the time.)
    """

    def read() -> None:
        begun = b""
        while chunk := os.read(0, 65_536):  # not sys.stdin: a thread that waits there holds its lock at shutdown
            *lines, begun = (begun + chunk).split(b"\n")
            for line in lines:
                on_line(line.decode())
        end_own_group()

    threading.Thread(target=read, name="parent", daemon=True).start()


def end_own_group() -> None:
    """End this process and every helper that it started, at once."""
    if POSIX and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def limit_memory(extra_bytes: int) -> bool:
    """Let this process allocate `extra_bytes` more than it has now; False where the system cannot hold it to that.

    Linux's RLIMIT_DATA counts private writable memory, so that an allocation beyond it fails inside the process
    as a MemoryError, or as torch's own error, instead of getting the process killed. RLIMIT_AS would count mapped
    libraries and the address ranges that CUDA merely reserves, tens of GB that cost nothing. Memory on a GPU is
    not counted; macOS and Windows have no such limit.
    """
    used = machine.status_bytes("proc/self/status", "VmData:")  # private writable memory, as RLIMIT_DATA counts it
    if used is None:
        return False
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    wanted = used + extra_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    return True


def limit_time(seconds: int) -> None:
    """Let the system end this process when it has computed for so long, also when nobody waits for it any more."""
    if POSIX:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def die_first() -> None:
    """Ask Linux to end this process before others when the machine runs out of memory: the page must live on."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def is_memory_error(error: BaseException) -> bool:
    """Whether this is memory running out on the host; torch and the C++ library word it in their own ways."""
    return isinstance(error, MemoryError) or any(text in str(error) for text in NO_MEMORY)


def death_of(code: int) -> str:
    """How a process ended, for a sentence: 'was killed (SIGKILL)', 'ended with code 3'."""
    if code >= 0:
        return say("ended with code {code}", code=code)
    try:
        return say("was killed ({signal})", signal=signal.Signals(-code).name)
    except ValueError:
        return say("was killed (signal {signal})", signal=-code)
