"""The server around the page: loads what the first visitor would wait for, and answers ticks beside the page's runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from .server import gone, headers, lighter
from .server.bounds import Bounds
from .server.startup import prepare_server
from .server.unknown_page import UnknownPage
from .tick import quick_route


@asynccontextmanager
async def _lifespan(_: st.App) -> AsyncIterator[None]:
    prepare_server()
    letting_go = asyncio.create_task(gone.let_go())
    yield
    letting_go.cancel()


def settings() -> dict[str, Any]:
    """What `st.App` takes beside its script."""
    headers.bound()
    lighter.read_themes_once()
    lighter.pass_plain_values()
    return {
        "lifespan": _lifespan,
        "routes": [quick_route.route()],
        "middleware": [Middleware(Bounds), Middleware(UnknownPage, st.get_option("server.baseUrlPath"))],
    }
