"""The numbers and charts beside the tree, painted by the browser: what a selection costs and where that comes from.

What no tick changes is sent once; a tick sends a few numbers by `feed`. They are no Streamlit metrics and no plotly
figures, because drawing four of those and two of these again takes longer than a tick may.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
MODULES = ("axis", "numbers", "memory", "blocks", "charts")
