"""The server around the page: loads what the first visitor would wait for, and answers ticks beside the page's runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from . import headers, tick_route
from .bounds import Bounds
from .startup import prepare_server
from .unknown_page import UnknownPage


@asynccontextmanager
async def _lifespan(_: st.App) -> AsyncIterator[None]:
    prepare_server()
    yield


def settings() -> dict[str, Any]:
    """What `st.App` takes beside its script."""
    headers.bound()
    return {
        "lifespan": _lifespan,
        "routes": [tick_route.route()],
        "middleware": [Middleware(Bounds), Middleware(UnknownPage, st.get_option("server.baseUrlPath"))],
    }
