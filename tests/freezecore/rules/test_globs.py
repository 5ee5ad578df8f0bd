"""Globs: `*` stays inside a part, `**` crosses parts, and no glob is slow."""

import pytest

from freezecore.rules.matching import matching
from tests.freezecore.samples import tree_of

NAMES = sorted(
    [
        "bias",
        "layer1.0.conv1.weight",
        "layer1.0.bn1.bias",
        "layer1.1.conv1.weight",
        "layer1.10.conv1.weight",
        "layer2.0.conv1.weight",
        "layer2.0.bn1.bias",
    ]
)


def hit(glob: str) -> set[str]:
    """The names under what a glob reaches."""
    return {name for node in matching(tree_of(*NAMES).names, glob) for name in NAMES[node.low : node.high]}


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("layer1.1", {"layer1.1.conv1.weight"}),
        ("layer1.1*", {"layer1.1.conv1.weight", "layer1.10.conv1.weight"}),
        ("layer*.0", {n for n in NAMES if n.startswith(("layer1.0.", "layer2.0."))}),
        ("*.bias", {"bias", "layer1.0.bn1.bias", "layer2.0.bn1.bias"}),
        ("*.bn1", {"layer1.0.bn1.bias", "layer2.0.bn1.bias"}),
        ("layer1.*.weight", set()),
        ("layer1.**.weight", {n for n in NAMES if n.startswith("layer1.") and n.endswith("weight")}),
        ("layer1.**", {n for n in NAMES if n.startswith("layer1.")}),
        ("layer1.**.0", {"layer1.0.conv1.weight", "layer1.0.bn1.bias"}),
        ("**", set(NAMES)),
        ("*", set(NAMES)),
        ("**bias", {"bias", "layer1.0.bn1.bias", "layer2.0.bn1.bias"}),
        ("layer2**bias", {"layer2.0.bn1.bias"}),
        ("layer[12].0.conv?", {"layer1.0.conv1.weight", "layer2.0.conv1.weight"}),
        ("layer[!1].0", {n for n in NAMES if n.startswith("layer2.")}),
        ("LAYER1", set()),
        ("layer1.0.conv", set()),
    ],
)
def test_a_glob_hits_whole_parts(glob, expected):
    assert hit(glob) == expected


def test_a_glob_of_many_stars_on_a_long_name_ends():
    name = "a" * 2_000
    assert matching(tree_of(name).names, "*a" * 500 + "b") == []
