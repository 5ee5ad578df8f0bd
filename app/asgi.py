"""What Streamlit serves: the page, and around it what `around.py` says. Streamlit looks here for `st.App`.

A script belongs to no package, so it only opens the one it lies in: `app` in a checkout, in a wheel
`freeze_explorer`.
"""

from importlib import import_module
from pathlib import Path

import streamlit as st

PACKAGE = Path(__file__).parent

app = st.App(PACKAGE / "main.py", **import_module(f"{PACKAGE.name}.around").settings())
