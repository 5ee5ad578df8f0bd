"""Chaos on the real server: processes killed, its disk filled, kept files spoilt, hostile files opened, routes flooded.

    python tests/chaos/chaos.py [--seed 1] [--seconds 300] [--write tests/chaos/chaos.json]

The server keeps its files on a small disk of its own, where Linux gives it one; a seed chooses the faults. A visitor
trains one probe after another, and a bystander keeps ticking. After each fault the bystander must be answered within
ten times its median before (half a second is always allowed), every run that had been measured must be stored as it
was, and neither the page nor the server's log may hold a traceback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from websockets.exceptions import WebSocketException

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

from load import until_known  # noqa: E402
from tick import page_server  # noqa: E402
from visitor import Visitor  # noqa: E402

MODEL = "timm:resnet18"
# Its weights come with a package, so that it trains without a network.
TRAINED = "model=timm:tf_efficientnet_lite0&size=64&rules=freeze+all;+train+head&batch={number}"
PATIENCE_S = 60.0
FLOOR_S = 0.5
TIMES = 10
TICKS = 5
DISK_MB = 48
OWN_MOUNTS = ("unshare", "-rm")  # a namespace of mounts: its disks are gone with it, and nobody else sees them


class Room:
    """The server under test and who is in it.

    Attributes:
        folder: where the server keeps its files.
        small: whether that is a small disk.
        measured: state and result of each run that has ended, by its token.
    """

    def __init__(self, address: str, server: int, folder: Path, small: bool, chance: random.Random) -> None:
        self.address, self.server, self.folder, self.small, self.chance = address, server, folder, small, chance
        self.home = folder / "home"
        self.stored = self.home / "runs" / "runs.sqlite"
        self.bystander = Visitor(address, f"model={MODEL}")
        self.measured: dict[str, tuple] = {}
        self.number = 7

    async def ticked_s(self) -> float:
        """Median seconds of a few of the bystander's ticks.

        Raises:
            TimeoutError: one was not answered.
            ConnectionError: the page shows a fault, or the connection ended.
        """
        times = []
        for _ in range(TICKS):
            answer = await asyncio.wait_for(self.bystander.tick(self.chance), PATIENCE_S)
            if answer.fault or answer.finished_s is None:
                raise ConnectionError(answer.fault or "a tick had no answer")
            times.append(answer.finished_s)
        return statistics.median(times)

    async def train(self, until: float) -> None:
        """Start one probe after another, each of another batch size, and look at it until the end of the time."""
        while time.monotonic() < until:
            self.number += 1
            with contextlib.suppress(TimeoutError, OSError, WebSocketException):
                visitor = Visitor(self.address, TRAINED.format(number=self.number))
                await asyncio.wait_for(until_known(visitor), PATIENCE_S)
                if "start" in visitor.widgets:
                    await asyncio.wait_for(visitor.press("start"), PATIENCE_S)
                for _ in range(40):
                    await asyncio.sleep(1)
                    await asyncio.wait_for(visitor.draw(), PATIENCE_S)
                await visitor.close()

    def done(self) -> int:
        """How many runs came to their end."""
        return sum(state == "done" for state, _ in self.measured.values())

    def lost(self) -> list[str]:
        """Runs that had been measured and are not stored as they were; remembers those that ended since."""
        if not self.stored.exists():
            return list(self.measured)
        with contextlib.closing(sqlite3.connect(f"file:{self.stored}?mode=ro", uri=True)) as db:
            stored = {token: (state, result) for token, state, result in db.execute(RUNS)}
        gone = [token for token, ended in self.measured.items() if stored.get(token) != ended]
        self.measured |= {token: row for token, row in stored.items() if row[0] not in ("queued", "running")}
        return gone


RUNS = "SELECT token, state, result FROM runs"


def kill(room: Room) -> str:
    """Kill one of the server's processes: the analyst, a worker, the spare."""
    children = [int(pid) for pid in Path(f"/proc/{room.server}/task/{room.server}/children").read_text().split()]
    for task in Path(f"/proc/{room.server}/task").iterdir():
        with contextlib.suppress(OSError):
            children += map(int, (task / "children").read_text().split())
    if not children:
        return "kill: nobody"
    pid, number = room.chance.choice(sorted(set(children))), room.chance.choice(SIGNALS)
    with contextlib.suppress(OSError):
        name = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        os.kill(pid, number)
        return f"kill: {number.name} to {next((part.decode() for part in name if b'freezecore' in part), pid)}"
    return "kill: it had ended"


SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGABRT)


def spoil(room: Room) -> str:
    """Spoil a file of a cache: cut off, garbage, empty, deep, or a folder in its place."""
    kept = [path for name in ("trees", "traces") for path in (room.home / name).glob("**/*") if path.is_file()]
    if not kept:
        return "spoil: nothing kept"
    path, way = room.chance.choice(sorted(kept)), room.chance.choice(("cut", "garbage", "empty", "deep", "folder"))
    content = path.read_bytes()
    if way == "folder":
        path.unlink()
        path.mkdir()
    else:
        garbage = {"cut": content[: len(content) // 2], "garbage": room.chance.randbytes(5_000), "empty": b"",
                   "deep": b"[" * 100_000}  # fmt: skip
        path.write_bytes(garbage[way])
    return f"spoil: {way} {path.parent.name}"


def fill(room: Room) -> str:
    """Fill the disk to its last byte, for some seconds; `empty` gives the room back once the bystander has ticked."""
    with (room.folder / FILLER).open("wb", buffering=0) as file:
        for piece in (2**16, 2**10, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * piece):
                    pass
    time.sleep(10 * room.chance.random())  # long enough for a run to end on the full disk
    return "fill: the disk"


def empty(room: Room) -> None:
    """Take away what filled the disk."""
    (room.folder / FILLER).unlink(missing_ok=True)


FILLER = "filler"


async def hostile(room: Room) -> str:
    """Open a model's file that lies."""
    name = room.chance.choice(sorted(HOSTILE))
    place = room.folder / f"{room.number}-{name}.json"
    place.write_bytes(HOSTILE[name])
    scheme = room.chance.choice(("config", "file"))
    visitor = Visitor(room.address, f"model={scheme}:{place}")
    answer = await asyncio.wait_for(visitor.open(), PATIENCE_S)
    await visitor.close()
    place.unlink()
    if answer.fault:
        raise ConnectionError(answer.fault)
    return f"hostile: {name} as {scheme}"


HOSTILE = {
    "deep": b"[" * 1_000_000,
    "empty": b"",
    "binary": bytes(range(256)) * 1_000,
    "ten-thousand-layers": b'{"model_type": "bert", "num_hidden_layers": 10000}',
    "backbone": b'{"model_type": "dpt", "backbone": "facebook/dinov2-small", "is_hybrid": false}',
    "huge-number": b'{"model_type": "bert", "hidden_size": 1' + b"0" * 4_000 + b"}",
    "wrong-kinds": b'{"model_type": "bert", "num_hidden_layers": "many", "hidden_size": [1]}',
    "half": b'{"format": "freezecore model 1", "tree": {"source": "x", "layers": [',
}


def flood(room: Room) -> str:
    """Ask one route hundreds of times, or send it what has no end."""
    way = room.chance.choice(("tick", "page", "socket", "header", "class"))
    host, port = room.address.split(":")
    with contextlib.suppress(OSError, HTTPException):
        for number in range(300 if way != "header" else 1):
            if way == "header":
                with socket.create_connection((host, int(port)), timeout=5) as line:
                    line.sendall(b"GET / HTTP/1.1\r\n")
                    for _ in range(2_000):
                        line.sendall(b"x: " + b"y" * 4_000 + b"\r\n")
                continue
            line = HTTPConnection(room.address, timeout=10)
            if way == "tick":
                asked = {"query": f"model=hf:nobody/has-{number}", "lang": "en", "tree": "x", "bits": "y"}
                line.request("POST", "/tick", json.dumps(asked), {"Origin": "http://elsewhere.example"})
            elif way == "socket":
                line.request("GET", "/_stcore/stream", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
            else:
                line.request("GET", "/class" if way == "class" else f"/?model=hf:nobody/{number}")
            line.getresponse().read()
            line.close()
    return f"flood: {way}"


async def chaos(room: Room, seconds: float) -> dict:
    """Do one fault after another for so long, with the checks after each; what was done, and what went wrong."""
    await until_known(room.bystander)
    until, rows, wrong = time.monotonic() + seconds, [], []
    training = asyncio.create_task(room.train(until))
    while not room.measured and time.monotonic() < until - seconds / 2:
        await asyncio.sleep(1)
        wrong += room.lost()
    acts = (kill, spoil, hostile, flood, *((fill,) if room.small else ()))
    while time.monotonic() < until:
        await asyncio.sleep(4 * room.chance.random())
        before = await room.ticked_s()
        act = room.chance.choice(acts)
        done: str = await (act(room) if act is hostile else asyncio.to_thread(act, room))
        try:
            after = await room.ticked_s()
        except (TimeoutError, ConnectionError, WebSocketException) as error:
            wrong.append(f"{done}: {error!r}")
            break
        rows.append({"fault": done, "before_ms": round(1000 * before), "after_ms": round(1000 * after)})
        if after > max(FLOOR_S, TIMES * before):
            wrong.append(f"{done}: a tick took {after:.2f} s, {before:.2f} s before")
        empty(room)  # or what is stored could not even be read
        wrong += [f"{done}: the run {token} was lost" for token in await asyncio.to_thread(room.lost)]
    await training
    wrong += [f"at the end: the run {token} was lost" for token in room.lost()]
    return {"faults": len(rows), "ended": len(room.measured), "done": room.done(), "wrong": wrong, "rows": rows}


def run(seed: int, seconds: float) -> dict:
    """Start the server, let chaos loose, and say what came of it."""
    with tempfile.TemporaryDirectory() as name, small_disk(name) as small:
        folder = Path(name)
        with page_server(folder) as (address, server):
            room = Room(address.removeprefix("http://"), server, folder, small, random.Random(seed))
            found = asyncio.run(chaos(room, seconds))
        log = (folder / "server.log").read_text(errors="replace")
    if "Traceback" in log:
        found["wrong"].append("the log: " + log[log.index("Traceback") :][:3_000])
    return {"seed": seed, "seconds": seconds, "disk_mb": DISK_MB if small else None, **found}


@contextlib.contextmanager
def small_disk(folder: str) -> Iterator[bool]:
    """A small disk in the folder's place, where this process may mount one; whether it may."""
    if "OWN_MOUNTS" not in os.environ:
        yield False
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", folder], check=True)
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def with_own_mounts() -> None:
    """Begin this program anew where it may mount a disk, on systems that allow it."""
    if "OWN_MOUNTS" in os.environ or not shutil.which(OWN_MOUNTS[0]):
        return
    if subprocess.run([*OWN_MOUNTS, "true"], stderr=subprocess.DEVNULL).returncode == 0:
        os.environ["OWN_MOUNTS"] = "1"
        os.execvp(OWN_MOUNTS[0], [*OWN_MOUNTS, sys.executable, *sys.argv])


def main() -> int:
    """Run, print, write the figures where asked; 1 where something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    with_own_mounts()
    command = " ".join(["python", "tests/chaos/chaos.py", *sys.argv[1:]])
    found = {"command": command, "cores": os.cpu_count(), **run(options.seed, options.seconds)}
    print(json.dumps(found, indent=1))
    if options.write:
        options.write.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
