"""Lets go of visitors who have gone.

Streamlit keeps the page of who has gone for two minutes, so that a broken connection finds it again, and the last 128
for as long as nobody else leaves; each holds an event loop of three descriptors.
"""

from __future__ import annotations

import asyncio

from streamlit import runtime

LOOKED_EVERY_S = 30.0


async def let_go() -> None:
    """End, now and then, what Streamlit no longer gives back to anybody."""
    while True:
        await asyncio.sleep(LOOKED_EVERY_S)
        kept = runtime.get_instance()._session_mgr._session_storage._cache
        for _, gone in kept.expire():
            gone.session.shutdown()
