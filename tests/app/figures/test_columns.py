import pytest

from app.figures.columns import columns, labels
from app.text import Words
from freezecore.mask import Mask
from freezecore.tree import Layer, LayerTree, Parameter, Tower


def tree(towers: int = 1) -> LayerTree:
    """Towers of two blocks each behind an embedding, a loose norm, and a head."""
    names, found = ["body", "other"], []
    parameters = []
    for name in names[:towers]:
        parameters += [
            Parameter(f"{name}.embed", name, (10, 2), kind="embedding"),
            Parameter(f"{name}.block.0.w", f"{name}.block.0", (4, 4), kind="block"),
            Parameter(f"{name}.block.0.b", f"{name}.block.0", (4,), kind="block", bias=True),
            Parameter(f"{name}.block.1.w", f"{name}.block.1", (4, 4), kind="block"),
        ]
        found.append(Tower(name, name, (f"{name}.embed",), blocks=(f"{name}.block.0", f"{name}.block.1")))
    parameters += [Parameter("norm.w", "norm", (4,), norm=True), Parameter("head.w", "head", (4, 3), kind="head")]
    return LayerTree("timm:x", (Layer("", "Net"),), tuple(parameters), towers=tuple(found), head=("head",))


@pytest.mark.parametrize("towers", [1, 2])
def test_every_parameter_stands_in_exactly_one_column(towers):
    model = tree(towers)
    found = columns(model)
    assert sorted(i for column in found for i in column.positions) == list(range(len(model.parameters)))
    assert sum(column.parameters for column in found) == model.total
    assert [column.label for column in found][-2:] == ["rest", "head"]


def test_a_column_has_a_state_for_training_in_part():
    model = tree()
    mask = Mask.from_names(model, ["body.block.0.b", "head.w"])
    assert [column.state(mask) for column in columns(model)] == ["frozen", "mixed", "frozen", "frozen", "trainable"]
    shares = [column.share(mask) for column in columns(model)]
    assert (shares[0], 0 < shares[1] < 1, shares[2:]) == (0, True, [0, 0, 1])


def test_the_ends_are_named_and_towers_are_distinguished():
    words = Words("en")
    one, two = columns(tree(1)), columns(tree(2))
    assert labels(one, words) == ["embeddings", "0 (input)", "1 (output)", "rest", "head"]
    assert labels(two, words)[3:6] == ["other embeddings", "other 0 (input)", "other 1 (output)"]
