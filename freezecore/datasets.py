"""Which data a probe can train on, by name: what it is, how much of it there is, and the limits on a person's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["image", "text"]

MOST_FILES = 20_000
MOST_BYTES = 2_000_000_000  # of a file as it was given
MOST_UNPACKED_BYTES = 4_000_000_000  # of all members of a zip together
MOST_EXPANSION = 200  # unpacked bytes for one packed byte: a photograph gives about 1, text about 10
MOST_PIXELS = 50_000_000  # of one picture
MOST_ROWS = 200_000
MOST_CLASSES = 1_000
LONGEST_TEXT = 20_000  # characters; what follows is cut off
HELD_OUT_SHARE = 0.25


@dataclass(frozen=True)
class BuiltIn:
    """Data that is always there, without a network.

    Attributes:
        kind: which models can read it.
        description: one sentence for a page.
        classes: names of the classes, in the order of their numbers; empty when they depend on what is installed.
        train_size, test_size: samples to train on, and held out.
    """

    name: str
    kind: Kind
    description: str
    classes: tuple[str, ...]
    train_size: int
    test_size: int


SHAPES = ("circle", "ring", "triangle", "square", "star", "cross", "crescent", "stripes", "dots", "checker")
BUILT_IN: dict[str, BuiltIn] = {
    data.name: data
    for data in (
        BuiltIn("shapes", "image", "Ten kinds of shapes, drawn on the spot over noisy gradients.", SHAPES, 300, 600),
        BuiltIn(
            "digits",
            "image",
            "Real handwritten digits, 8×8 pixels, from scikit-learn.",
            tuple("0123456789"),
            300,
            600,
        ),
        BuiltIn(
            "docstrings",
            "text",
            "First sentences of installed libraries' docstrings: which library wrote this?",
            (),
            320,
            400,
        ),
    )
}


def default_for(kind: Kind) -> str:
    """The built-in data that a probe of such a model starts with."""
    return "docstrings" if kind == "text" else "shapes"
