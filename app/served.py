"""The server around the page: what the first visitor would wait for is loaded before the door opens."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from app import analyst, gallery
from freezecore.serving import jobs

LIBRARIES = ("pandas", "plotly.graph_objects", "pyarrow")  # Streamlit imports them when it first draws something


@asynccontextmanager
async def _helped(_: st.App) -> AsyncIterator[None]:
    analyst.shared().warm(gallery.steps())
    jobs.shared().warm()
    importlib.import_module("app.views.explore")
    for library in LIBRARIES:
        importlib.import_module(library)
    yield


app = st.App(Path(__file__).with_name("main.py"), lifespan=_helped)
