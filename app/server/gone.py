"""Lets go of visitors who have gone, and of the garbage that they leave.

Streamlit keeps the page of who has gone for two minutes, so that a broken connection finds it again, and the last 128
for as long as nobody else leaves; each holds an event loop of three descriptors.
Python looks through all objects when a quarter more have come. With a hundred visitors that takes a tenth of a second,
in which nobody is answered, every eight seconds; here it happens twice a minute.
What goes leaves gaps between what stays, which the allocator keeps: three hundredths more of a crowd's server every
five minutes. They go back to the system as often.
"""

from __future__ import annotations

import asyncio
import gc

from streamlit import runtime

from freezecore.machine import of_allocator

LOOKED_EVERY_S = 30.0
SELDOM = 5000  # collections of the middle generation until Python looks through all objects by itself


async def let_go() -> None:
    """End, now and then, what Streamlit no longer gives back to anybody."""
    gc.set_threshold(*gc.get_threshold()[:2], SELDOM)
    while True:
        await asyncio.sleep(LOOKED_EVERY_S)
        kept = runtime.get_instance()._session_mgr._session_storage._cache
        for _, gone in kept.expire():
            gone.session.shutdown()
        gc.collect()
        give_back_gaps()


def give_back_gaps() -> None:
    """Give pages of memory in which nothing is held any more back to the system; only glibc can be told."""
    if trim := of_allocator("malloc_trim"):
        trim(0)
