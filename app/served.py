"""The server around the page: what the first visitor would wait for is loaded before the door opens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from app.ready import get_ready


@asynccontextmanager
async def _helped(_: st.App) -> AsyncIterator[None]:
    get_ready()
    yield


app = st.App(Path(__file__).with_name("main.py"), lifespan=_helped)
