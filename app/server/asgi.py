"""The server around the page: loads what the first visitor would wait for, and answers ticks beside the page's runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from app.server import headers, tick_route
from app.server.bounds import Bounds
from app.server.startup import prepare_server
from app.server.unknown_page import UnknownPage


@asynccontextmanager
async def _lifespan(_: st.App) -> AsyncIterator[None]:
    prepare_server()
    yield


headers.bound()
app = st.App(
    Path(__file__).parents[1] / "main.py",
    lifespan=_lifespan,
    routes=[tick_route.route()],
    middleware=[Middleware(Bounds), Middleware(UnknownPage, st.get_option("server.baseUrlPath"))],
)
