"""What a server does once: before its port opens (`asgi.py`), or else as its first page is drawn (`app/main.py`)."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from functools import cache

from freezecore.errors import FreezeError
from freezecore.serving import jobs
from freezecore.serving.analyst import client as analyst

from ..service import gallery

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
SWITCH_S = 0.0003  # a run that computes lets a thread that answers somebody in so often, not every 5 ms


@cache
def prepare_server() -> None:
    """Start the helpers, import what pages draw with, and leave all that out of every later garbage collection.

    Streamlit collects garbage after each run; without this a tick pays for every object the imports made.
    """
    try:
        queue = jobs.shared()
    except FreezeError as error:  # nothing could be tried or kept: better no server, and a sentence in its terminal
        print(f"freeze explorer: {error.problem}\n  {error.hint}", file=sys.stderr, flush=True)
        os._exit(1)
    analyst.shared().warm(gallery.steps(), then=queue.warm)
    sys.setswitchinterval(SWITCH_S)
    for module in (*LIBRARIES, *(f"..views.{view}" for view in VIEWS)):
        importlib.import_module(module, __package__)
    gc.collect()
    gc.freeze()
