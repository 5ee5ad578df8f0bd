"""The page's colours: warm is what trains, ice is what is frozen; every figure takes one of the two palettes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
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


LIGHT = Look(
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
DARK = Look(
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


def of(theme: str | None) -> Look:
    """The palette for Streamlit's theme type; light when it is not known yet."""
    return DARK if theme == "dark" else LIGHT
