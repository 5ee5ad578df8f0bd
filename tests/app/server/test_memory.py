"""The web process of the real server stays as large as it was while visitors come and go."""

import asyncio
import random
import sys
from pathlib import Path

import pytest

from freezecore.machine import status_bytes

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SESSIONS = 140  # Streamlit keeps 128 that have gone, in case they come back


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_visitors_who_come_and_go_leave_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from load import MODELS, until_known
    from tick import page_server
    from visitor import Visitor

    async def visit(address: str, number: int) -> None:
        visitor, chance = Visitor(address, f"model={MODELS[number % len(MODELS)]}"), random.Random(number)
        await visitor.open()
        for _ in range(3):
            await visitor.tick(chance)
        await visitor.close()

    async def visits(address: str, first: int) -> None:
        for number in range(first, first + SESSIONS, 5):
            await asyncio.gather(*(visit(address, number + i) for i in range(5)))

    async def known(address: str) -> None:
        for model in MODELS:
            visitor = Visitor(address, f"model={model}")
            await until_known(visitor)
            await visitor.close()

    def sizes(pid: int) -> tuple[int, int, int]:
        place = Path(f"/proc/{pid}")
        return (
            status_bytes(f"/proc/{pid}/status", "VmRSS:"),
            len([*(place / "fd").iterdir()]),
            len([*(place / "task").iterdir()]),
        )

    with page_server(tmp_path) as (address, pid):
        here = address.removeprefix("http://")
        asyncio.run(known(here))
        asyncio.run(visits(here, 0))
        before = sizes(pid)
        asyncio.run(visits(here, SESSIONS))
        after = sizes(pid)
        log = (tmp_path / "server.log").read_text()
    assert after[0] < 1.1 * before[0], (before, after)
    assert after[1] <= before[1] + 20 and after[2] <= before[2] + 4, (before, after)
    assert "Traceback" not in log
