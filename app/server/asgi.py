"""The server around the page: loads what the first visitor would wait for, and answers ticks beside the page's runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from app.server import tick_route
from app.server.startup import get_ready


@asynccontextmanager
async def _helped(_: st.App) -> AsyncIterator[None]:
    get_ready()
    yield


app = st.App(Path(__file__).parents[1] / "main.py", lifespan=_helped, routes=[tick_route.route()])
