"""Selections: exact for any set of names, short for the sets that people choose."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freezecore._export.selection import Cover, NameSelection, select
from freezecore._export.series import Series, series

RESNET = [
    "conv1.weight",
    "bn1.weight",
    "bn1.bias",
    *(
        f"layer{s}.{b}.{leaf}"
        for s in (1, 2, 10)
        for b in (0, 1)
        for leaf in ("conv1.weight", "bn1.weight", "bn1.bias")
    ),
    "fc.weight",
    "fc.bias",
]
BLOCKS = ["embed", *(f"blocks.{i}.{leaf}" for i in range(12) for leaf in ("attn.weight", "norm.bias")), "head.weight"]
PARTS = st.sampled_from(["a", "b", "layer1", "layer10", "0", "1", "2", "10", "weight", "bias", "it's", '"{x}"', "é"])
NAMES = st.lists(st.lists(PARTS, min_size=1, max_size=5).map(".".join), min_size=1, max_size=25, unique=True)


def only_leaves(names: list[str]) -> list[str]:
    """Names that are not also the path of a module: no parameter can be."""
    return [name for name in names if not any(other.startswith(f"{name}.") for other in names)]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_set_of_names_is_said_exactly(data):
    names = only_leaves(data.draw(NAMES))
    flags = data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    wanted = {name for name, flag in zip(names, flags, strict=True) if flag}
    selection = select(names, wanted, mostly=data.draw(st.booleans()))
    assert {name for name in names if selection.trains(name)} == wanted


@pytest.mark.parametrize(
    ("names", "wanted", "mostly", "selection"),
    [
        (RESNET, lambda n: True, True, NameSelection(None)),
        (RESNET, lambda n: n.startswith("fc."), False, NameSelection(Cover(("fc",)))),
        (RESNET, lambda n: n.startswith("layer1."), False, NameSelection(Cover(("layer1",)))),
        (RESNET, lambda n: not n.startswith("conv1"), True, NameSelection(None, Cover(("conv1",)))),
        (RESNET, lambda n: "bn1" in n, False, NameSelection(Cover((), ("bn1",)))),
        (RESNET, lambda n: "bn1" not in n, True, NameSelection(None, Cover((), ("bn1",)))),
        (RESNET, lambda n: n.startswith(("layer", "fc")) and "bn1" not in n, False, None),
        (BLOCKS, lambda n: n.startswith(("blocks.1.", "head")), False, NameSelection(Cover(("blocks.1", "head")))),
    ],
)
def test_what_people_choose_is_said_in_few_words(names, wanted, mostly, selection):
    chosen = {name for name in names if wanted(name)}
    found = select(names, chosen, mostly=mostly)
    assert {name for name in names if found.trains(name)} == chosen
    if selection:
        assert found == selection


def test_numbered_neighbours_are_taken_together_from_three_on():
    assert series(["embed", *(f"blocks.{i}" for i in range(6)), "norm"]) == [
        "embed",
        Series("blocks.", 0, 6, ""),
        "norm",
    ]
    assert series(["blocks.0", "blocks.1"]) == ["blocks.0", "blocks.1"]
    assert series([f"blocks.{i}.norm" for i in (1, 3, 4, 5, 10)]) == [
        "blocks.1.norm",
        Series("blocks.", 3, 6, ".norm"),
        "blocks.10.norm",
    ]


@given(NAMES)
@settings(deadline=None)
def test_a_series_stands_for_exactly_its_paths(paths):
    said = []
    for item in series(paths):
        if isinstance(item, Series):
            said += [f"{item.before}{i}{item.after}" for i in range(item.start, item.stop)]
        else:
            said.append(item)
    assert sorted(said) == sorted(paths)


def test_a_name_with_a_thousand_parts_is_said_too():
    deep = ".".join("a" for _ in range(3_000))
    assert select([deep, "b.weight"], {deep}).trains(deep)
