"""What all figures share: a layout in the page's colours, round ticks, and no tool bar."""

from __future__ import annotations

from app.figures.colours import Look

FONT = "'Source Sans', 'IPAGothic', 'Hiragino Sans', 'Noto Sans CJK JP', sans-serif"
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


def layout_of(look: Look, **more: object) -> dict:
    axis = {"gridcolor": look.grid, "zeroline": False, "fixedrange": True, "tickfont": {"size": 11}}
    return {
        "template": {},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": look.text, "size": 12, "family": FONT},
        "hoverlabel": {"bgcolor": look.paper, "font": {"color": look.text}, "bordercolor": look.soft},
        "xaxis": dict(axis),
        "yaxis": dict(axis),
        **more,
    }


def round_ticks(top: float, most: int = 4) -> list[float]:
    """Round values from 0 to the top, at most so many steps."""
    rough = max(top, 1) / most
    power = 10 ** (len(str(int(rough))) - 1)
    step = next((n * power for n in (1, 2, 2.5, 5, 10) if n * power >= rough), rough)
    return [step * i for i in range(int(top / step) + 1)]
