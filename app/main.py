"""What Streamlit runs: `python -m app`, or `python -m streamlit run app/main.py` from the checkout's root.

A script belongs to no package, so it only opens the one it lies in: `app` in a checkout, in a wheel
`freeze_explorer`.
"""

from importlib import import_module
from pathlib import Path

import_module(f"{Path(__file__).parent.name}.page").draw()
