"""What all figures share: two palettes (warm is what trains, ice is what is frozen), a layout in them, round ticks."""

from __future__ import annotations

from dataclasses import dataclass

FONT = "'Source Sans', sans-serif"  # and the browser's own font for other scripts
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}
LEGEND = {
    "orientation": "h",
    "y": 1.02,
    "yanchor": "bottom",
    "x": 0,
    "font": {"size": 11},
}  # above the plot


@dataclass(frozen=True)
class Palette:
    """Colours of one theme; text on `paper` reaches a contrast of 4.5 : 1."""

    name: str
    text: str
    soft: str
    grid: str
    paper: str
    train: str
    frozen: str
    mixed: str
    weights: str
    gradients: str
    optimizer: str
    activations: str
    temporaries: str
    series: tuple[str, ...]


LIGHT = Palette(
    name="light",
    text="#12202d",
    soft="#51606f",
    grid="#dfe6ee",
    paper="#ffffff",
    train="#d9541e",
    frozen="#a9c8e6",
    mixed="#eeb18f",
    weights="#7fa6cc",
    gradients="#d9541e",
    optimizer="#8a5cc2",
    activations="#2a9d8f",
    temporaries="#9aa7b4",
    series=("#d9541e", "#1769aa", "#2a9d8f", "#8a5cc2", "#a8780a", "#c2336b", "#4a7c2c", "#51606f"),
)
DARK = Palette(
    name="dark",
    text="#eaf1f8",
    soft="#a9b8c7",
    grid="#2c3946",
    paper="#10171f",
    train="#ff8a4c",
    frozen="#3f6285",
    mixed="#b87a57",
    weights="#5b86b0",
    gradients="#ff8a4c",
    optimizer="#b18cf0",
    activations="#4cc4b4",
    temporaries="#77889a",
    series=("#ff8a4c", "#6db5ff", "#4cc4b4", "#b18cf0", "#e5b93c", "#ff7fab", "#9bd06f", "#a9b8c7"),
)


def palette_of(theme: str | None) -> Palette:
    """The palette for Streamlit's theme type; light when it is not known yet."""
    return DARK if theme == "dark" else LIGHT


def layout_of(palette: Palette, name: str, *, top: int = 8, **more: object) -> dict:
    """A plotly layout with two axes.

    Args:
        name: what the figure is; while it stays the same, plotly keeps what the visitor has hidden or hovers.
        top: pixels above the plot.
        more: entries of plotly's layout.
    """
    axis = {
        "gridcolor": palette.grid, "zeroline": False, "fixedrange": True, "tickfont": {"size": 11}, "automargin": True
    }  # fmt: skip
    return {
        "template": {},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": palette.text, "size": 12, "family": FONT},
        "hoverlabel": {"bgcolor": palette.paper, "font": {"color": palette.text}, "bordercolor": palette.soft},
        "hovermode": "closest",
        "margin": {"l": 4, "r": 8, "t": top, "b": 4},
        "uirevision": name,
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
