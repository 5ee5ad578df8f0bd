"""The server around the page: what the first visitor would wait for is loaded before the door opens."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from app import analyst, gallery
from freezecore.serving import jobs

VIEWS = ("explore", "compare", "learn", "classroom")
LIBRARIES = (  # Streamlit imports them when it first draws something
    "pandas",
    "plotly.graph_objects",
    "pyarrow",
    "PIL.Image",
    "streamlit.components.v2",
    "streamlit.emojis",
    "streamlit.material_icon_names",
)
SWITCH_S = 0.001  # a run that computes lets the thread that sends what it has drawn in so often, not every 5 ms


@asynccontextmanager
async def _helped(_: st.App) -> AsyncIterator[None]:
    analyst.shared().warm(gallery.steps(), then=jobs.shared().warm)
    sys.setswitchinterval(SWITCH_S)
    for module in (*LIBRARIES, *(f"app.views.{view}" for view in VIEWS)):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    yield


app = st.App(Path(__file__).with_name("main.py"), lifespan=_helped)
