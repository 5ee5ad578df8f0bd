"""Visitors who have gone hold nothing."""

import asyncio
import inspect
import random
import sys
from types import SimpleNamespace

import pytest
from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from app.server import gone
from freezecore.machine import status_bytes


@pytest.mark.parametrize(("kept_s", "ended"), [(0, ["shut down"]), (60, [])])
def test_a_page_is_ended_when_its_visitor_may_no_longer_come_back(kept_s, ended, monkeypatch):
    told, set_to = [], []
    page = SimpleNamespace(id="one", shutdown=lambda: told.append("shut down"))
    storage = MemorySessionStorage(ttl_seconds=kept_s)
    storage.save(SessionInfo(client=None, session=page))
    manager = WebsocketSessionManager(storage, None, None, None)
    monkeypatch.setattr(gone.runtime, "get_instance", lambda: SimpleNamespace(_session_mgr=manager))
    monkeypatch.setattr(gone, "LOOKED_EVERY_S", 0.001)
    collector = SimpleNamespace(
        collect=lambda: told.append("collected"),
        get_threshold=lambda: (700, 10, 10),
        set_threshold=lambda *all: set_to.append(all),
    )
    monkeypatch.setattr(gone, "gc", collector)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(gone.let_go(), 0.2))
    assert told[: len(ended)] == ended
    assert set(told[len(ended) :]) == {"collected"}
    assert set_to == [(700, 10, gone.SELDOM)]
    assert "self._session_mgr =" in inspect.getsource(Runtime.__init__)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone can be told")
def test_memory_free_between_what_stays_goes_back_to_the_system():
    draw = random.Random(0)
    held = [bytearray(draw.randint(600, 20_000)) for _ in range(8_000)]
    draw.shuffle(held)
    let_go = sum(map(len, held[:6_000]))
    del held[:6_000]
    before = status_bytes("/proc/self/status", "VmRSS:")
    gone.give_back_gaps()
    assert before - status_bytes("/proc/self/status", "VmRSS:") > let_go / 2
