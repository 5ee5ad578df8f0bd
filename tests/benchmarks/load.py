"""A class on one small server: thirty visitors tick every three seconds while one of them trains.

    python tests/benchmarks/load.py [--visitors 30] [--seconds 40] [--write tests/benchmarks/load.json]
    python tests/benchmarks/load.py --visitors 100 --seconds 1800 --stay 60 --write tests/benchmarks/crowd.json
    python tests/benchmarks/load.py --processor 100

With `--processor` one visitor after another ticks so often, and what is printed is the web process's own time for one
tick in milliseconds, of each model and of the bare page: at that many a second a processor core is full. Beside it
stands the time of the process that prices ticks.
With `--stay` visitors come and go: each stays about so many seconds, and another takes the place. Beside it, as a
peer, as many visitors of the same behaviour tick the one checkbox of a bare Streamlit page. The two take turns, 40 s
the page and 20 s the bare one, while the page's server trains one probe after another through both, so that whatever
else is at work on the machine hits both alike: `ratio` is the page's time by the bare one's until the last message of
a tick's run, `ratio_numbers` until its numbers are there, which a page's own request brings. `bare_idle` is the bare
page before, for a tenth of the time, with nothing training; `ratio_idle` is the page's time by that. In another's turn
a visitor stays connected, and takes up ticking at a moment of their own.
`web` has the web process every ten seconds: bytes, descriptors, threads; `flat` how much it has grown from the fifth
minute until all have gone.

Starts the real page and as many visitors without a browser (`visitor.py`), each with its own selection of one of three
models, on the same machine as the server. One more starts a probe and watches it. An answer counts from sending the
tick until the last message of the run that it caused; a tick is lost when its answer does not come or holds no numbers.
Takes about two minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import InvalidHandshake

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

from tick import BARE, page_server  # noqa: E402
from visitor import Answer, Visitor  # noqa: E402

from freezecore.machine import status_bytes  # noqa: E402

MODELS = ("timm:resnet18", "timm:tf_efficientnet_lite0", "config:bert&task=sequence-classification")
EVERY_S = 3.0
PATIENCE_S = 60.0
SETTLED_S = 300.0  # the web process is as large then as it should stay
AFTER_S = 180.0  # from the last visitor's going to the last look at it: their pages wait two minutes for them
PAGE_S, BARE_S, REST_S = 40.0, 20.0, 1.0  # turns of the page, of the bare one, and between: what is asked is answered
FOLDERS = {"descriptors": "fd", "threads": "task"}
GOALS = {"p95_ms": 250, "lost": 0, "web_bytes": 400_000_000, "ratio_p95": 3, "grown": 0.1}


async def lesson(address: str, visitors: int, seconds: float, server: int) -> dict:
    """Open all pages, let them tick while a probe trains, and say how that went."""
    room = [Visitor(address, f"model={MODELS[i % len(MODELS)]}") for i in range(visitors)]
    for visitor in room[: len(MODELS)]:
        await until_known(visitor)
    opened = [await visitor.open() for visitor in room[len(MODELS) :]]
    trainer = Visitor(address, f"model={MODELS[1]}&rules=train+all")
    await until_known(trainer)
    started = await trainer.press("start")
    watching = asyncio.create_task(watch(trainer, seconds))
    until = time.monotonic() + seconds
    always = asyncio.Event()
    always.set()
    told = await asyncio.gather(*(student(visitor, i, until, seconds, always) for i, visitor in enumerate(room)))
    answers = [answer for one in told for answer in one]
    came = [answer for answer in answers if answer.finished_s and answer.numbers_s and not answer.fault]
    document = {
        "ticks": len(answers),
        "lost": len(answers) - len(came),
        "finished_ms": spread([answer.finished_s for answer in came]),
        "numbers_ms": spread([answer.numbers_s for answer in came]),
        "bytes_down": statistics.median(answer.bytes_down for answer in came),
        "open_ms": spread([answer.finished_s for answer in opened]),
        "web_bytes": status_bytes(f"/proc/{server}/status", "VmRSS:"),
        "probe": {"fault": started.fault, "drawn": await watching, "stop_button": "stop" in trainer.widgets},
    }
    for visitor in [*room, trainer]:
        await visitor.close()
    return document


async def until_known(visitor: Visitor) -> None:
    """Open a page and wait until its model was followed, which happens once per server."""
    answer = await visitor.open()
    until = time.monotonic() + 180
    while (not answer.numbers or "…" in answer.numbers) and time.monotonic() < until:
        await asyncio.sleep(1)
        answer = await visitor.draw()


async def student(visitor: Visitor, number: int, until: float, stay: float, turn: asyncio.Event) -> list[Answer]:
    """Tick every few seconds, a different row each time, beginning at a moment of one's own; wait in another's turn."""
    chance = random.Random(number)
    await asyncio.sleep(chance.random() * EVERY_S)
    answers, leaves = [], time.monotonic() + stay
    while time.monotonic() < min(until, leaves):
        if not turn.is_set():
            leaves += await waited(turn, chance)
            continue
        began = time.monotonic()
        try:
            answers.append(await asyncio.wait_for(visitor.tick(chance), PATIENCE_S))
        except (TimeoutError, ConnectionError) as error:
            answers.append(Answer(fault=repr(error)))
        await asyncio.sleep(max(0.0, EVERY_S * (0.8 + 0.4 * chance.random()) - (time.monotonic() - began)))
    return answers


async def waited(turn: asyncio.Event, chance: random.Random) -> float:
    """Wait until it is one's turn, and then for a moment of one's own; seconds."""
    began = time.monotonic()
    await turn.wait()
    await asyncio.sleep(chance.random() * EVERY_S)
    return time.monotonic() - began


class BareVisitor(Visitor):
    """A visitor of the bare page, whose tick turns its one checkbox."""

    on = False

    async def tick(self, chance: random.Random) -> Answer:
        self.on = not self.on
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.bool_value = self.widgets["box0"], self.on
        answer = await self._run(message)
        answer.numbers_s = answer.finished_s
        return answer


async def place(
    make: Callable[[int], Visitor], number: int, until: float, stay: float, turn: asyncio.Event
) -> list[Answer]:
    """One place in the room: a visitor opens the page, ticks and leaves, and another comes, until the end."""
    chance, answers, guests = random.Random(number), [], 0
    await waited(turn, chance)
    while time.monotonic() < until:
        visitor = make(number + guests)
        guests += 1
        try:
            await asyncio.wait_for(visitor.open(), PATIENCE_S)
            answers += await student(visitor, number, until, stay * (0.5 + chance.random()), turn)
            await visitor.close()
        except (TimeoutError, OSError, InvalidHandshake) as error:
            answers.append(Answer(fault=repr(error)))
    return answers


async def crowd(make: Callable[[int], Visitor], visitors: int, until: float, stay: float, turn: asyncio.Event) -> dict:
    """As many places, each with one visitor after another; how their ticks were answered."""
    told = await asyncio.gather(*(place(make, i, until, stay, turn) for i in range(visitors)))
    answers = [answer for one in told for answer in one]
    came = [answer for answer in answers if answer.finished_s and answer.numbers_s and not answer.fault]
    return {
        "ticks": len(answers),
        "lost": len(answers) - len(came),
        "faults": sorted({answer.fault for answer in answers if answer.fault})[:5],
        "finished_ms": spread([answer.finished_s for answer in came]),
        "numbers_ms": spread([answer.numbers_s for answer in came]),
    }


async def idle(bare: str, visitors: int, seconds: float, stay: float) -> dict:
    """The crowd on a bare page, with nothing else to do for the machine."""
    always = asyncio.Event()
    always.set()
    return await crowd(lambda number: BareVisitor(bare), visitors, time.monotonic() + seconds, stay, always)


async def come_and_go(address: str, bare: str, visitors: int, seconds: float, stay: float, server: int) -> dict:
    """Page and bare page in turns under a crowd each, while one visitor trains again and again."""
    for model in MODELS:
        first = Visitor(address, f"model={model}")
        await until_known(first)
        await first.close()
    rounds = math.ceil(seconds / PAGE_S)
    lasts = rounds * (PAGE_S + BARE_S + 2 * REST_S)
    until = time.monotonic() + lasts
    training, sizes = asyncio.create_task(train(address, until)), asyncio.create_task(web(server, until))
    pages, bares = asyncio.Event(), asyncio.Event()
    turns = asyncio.create_task(take_turns(rounds, pages, bares))
    found, beside = await asyncio.gather(
        crowd(lambda number: Visitor(address, f"model={MODELS[number % len(MODELS)]}"), visitors, until, stay, pages),
        crowd(lambda number: BareVisitor(bare), visitors, until, stay, bares),
    )
    await turns
    probes, rows = await training, await sizes
    await asyncio.sleep(AFTER_S)
    rows.append(held(server, until - lasts))
    settled = next((row for row in rows if row["at_s"] >= min(SETTLED_S, lasts / 2)), rows[0])
    grown = round(rows[-1]["bytes"] / settled["bytes"] - 1, 3)
    flat = {"grown": grown, "settled": settled, "end": rows[-1]}
    return {**found, "bare": beside, "probes": probes, "flat": flat, "web": rows}


async def take_turns(rounds: int, *turns: asyncio.Event) -> None:
    """Let one after the other have its turn; at the end both, so that nobody waits on."""
    for _ in range(rounds):
        for turn, lasts in zip(turns, (PAGE_S, BARE_S), strict=True):
            turn.set()
            await asyncio.sleep(lasts)
            turn.clear()
            await asyncio.sleep(REST_S)
    for turn in turns:
        turn.set()


async def train(address: str, until: float) -> int:
    """Start one probe after another, each of another batch size, and watch it; how many were started."""
    started = 0
    while time.monotonic() < until:
        trainer = Visitor(address, f"model={MODELS[1]}&rules=train+all&batch={8 + started}")
        await until_known(trainer)
        if "start" in trainer.widgets:
            await trainer.press("start")
            started += 1
        await watch(trainer, min(60.0, max(0.0, until - time.monotonic())))
        await trainer.close()
    return started


async def web(pid: int, until: float) -> list[dict]:
    """The web process every ten seconds; Linux."""
    began, rows = time.monotonic(), []
    while time.monotonic() < until:
        rows.append(held(pid, began))
        await asyncio.sleep(10)
    return rows


def held(pid: int, began: float) -> dict:
    """What the web process holds now: resident bytes, descriptors, threads."""
    counts = {name: len(list(Path(f"/proc/{pid}/{folder}").iterdir())) for name, folder in FOLDERS.items()}
    return {"at_s": round(time.monotonic() - began), "bytes": status_bytes(f"/proc/{pid}/status", "VmRSS:"), **counts}


async def watch(trainer: Visitor, seconds: float) -> int:
    """Draw the page of the run once a second, as its own page does; how often."""
    drawn, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(1)
        await trainer.draw()
        drawn += 1
    return drawn


def spread(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    middle, late, most = (round(1000 * value, 1) for value in (statistics.median(seconds), cuts[18], max(seconds)))
    return {"p50": middle, "p95": late, "max": most, "n": len(seconds)}


async def processor_ms(visitor: Visitor, ticks: int, server: int) -> dict[str, float]:
    """Milliseconds of processor time that the web process, and the one beside it that prices, take for one tick."""
    await (visitor.open() if isinstance(visitor, BareVisitor) else until_known(visitor))
    chance = random.Random(0)
    for _ in range(10):
        await visitor.tick(chance)
        await asyncio.sleep(0.1)  # the pricing process is told of the model after the first
    pids = {"web": server, **({"pricing": pid} if (pid := pricing_process(server)) else {})}
    before = {name: processor_s(pid) for name, pid in pids.items()}
    for _ in range(ticks):
        await visitor.tick(chance)
    taken = {name: round(1000 * (processor_s(pid) - before[name]) / ticks, 1) for name, pid in pids.items()}
    await visitor.close()
    return taken


def pricing_process(server: int) -> int | None:
    """The process that prices ticks for this server, where there is one; Linux."""
    for task in Path(f"/proc/{server}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"freezecore.serving.pricing.server" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                return int(child)
    return None


def processor_s(pid: int) -> float:
    """Processor time that a process has taken; Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processor(folder: Path, ticks: int) -> dict[str, dict[str, float]]:
    """That time by model, and of the bare page."""
    with page_server(folder, BARE) as (address, server):
        here = address.removeprefix("http://")
        found = {"bare": asyncio.run(processor_ms(BareVisitor(here), ticks, server))}
    with page_server(folder) as (address, server):
        here = address.removeprefix("http://")
        for model in MODELS:
            found[model] = asyncio.run(processor_ms(Visitor(here, f"model={model}"), ticks, server))
    return found


def with_peer(folder: Path, options: argparse.Namespace) -> dict:
    """The crowd on the page, beside the same on a bare page; and that one alone before."""
    with page_server(folder, BARE) as (peer, _):
        bare = peer.removeprefix("http://")
        alone = asyncio.run(idle(bare, options.visitors, max(30.0, options.seconds / 10), options.stay))
        with page_server(folder) as (address, server):
            asked = address.removeprefix("http://"), bare, options.visitors, options.seconds, options.stay, server
            found = asyncio.run(come_and_go(*asked))
    ratios = {"ratio": times(found, found["bare"]), "ratio_numbers": times(found, found["bare"], "numbers_ms")}
    return {**ratios, "ratio_idle": times(found, alone), "bare_idle": alone, **found}


def times(one: dict, other: dict, until: str = "finished_ms") -> dict[str, float]:
    """How many times as long one crowd waited as another."""
    return {q: round(one[until][q] / other[until][q], 2) for q in ("p50", "p95")}


def main() -> None:
    """Measure, print, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--stay", type=float, help="seconds after which a visitor goes and another comes")
    parser.add_argument("--processor", type=int, metavar="TICKS", help="processor time of a tick, of so many")
    options = parser.parse_args()
    if options.processor:
        with tempfile.TemporaryDirectory() as name:
            print(json.dumps({"processor_ms": processor(Path(name), options.processor)}))
        return
    with tempfile.TemporaryDirectory() as name:
        if options.stay:
            found = with_peer(Path(name), options)
        else:
            with page_server(Path(name)) as (address, server):
                asked = address.removeprefix("http://"), options.visitors, options.seconds, server
                found = asyncio.run(lesson(*asked))
    about = {"cores": os.cpu_count(), "machine": platform.machine(), "load_average": os.getloadavg()[0]}
    command = " ".join(["python", "tests/benchmarks/load.py", *sys.argv[1:]])
    document = {"command": command, **about, "visitors": options.visitors, "goals": GOALS, **found}
    print(json.dumps(document, indent=1))
    if options.write:
        options.write.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
