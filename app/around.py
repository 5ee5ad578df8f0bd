"""The server around the page: loads what the first visitor would wait for, and answers ticks beside the page's runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

from .server import gone, headers
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
    _read_themes_once()
    return {
        "lifespan": _lifespan,
        "routes": [quick_route.route()],
        "middleware": [Middleware(Bounds), Middleware(UnknownPage, st.get_option("server.baseUrlPath"))],
    }


def _read_themes_once() -> None:
    """Streamlit reads six themes from its settings again for each run of the page, a tenth of what a tick takes."""
    read = app_session._populate_theme_msg

    @cache
    def known(section: str) -> CustomThemeConfig:
        theme = CustomThemeConfig()
        read(theme, section)
        return theme

    app_session._populate_theme_msg = lambda theme, section="theme": theme.MergeFrom(known(section))
