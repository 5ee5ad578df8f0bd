"""Suggestions: how measurements of blocks become rules and reasons; nothing is measured here."""

import pytest

from freezecore._resolve import resolve
from freezecore.errors import ProbeError
from freezecore.probe import ProbeRequest
from freezecore.rules.grammar import parse_spec
from freezecore.search.suggest import (
    SuggestRequest,
    SuggestResult,
    from_budget,
    from_features,
    from_gradients,
    from_ratios,
)
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import Layer, LayerTree, Parameter, Tower


def tree_of(**towers: int) -> LayerTree:
    """A tree with so many blocks in each tower."""
    blocks = {name: tuple(f"{name}.{i}" for i in range(count)) for name, count in towers.items()}
    every = [path for paths in blocks.values() for path in paths]
    return LayerTree(
        source="timm:tiny",
        layers=tuple(Layer(path, "Linear") for path in ("", *towers, *every, "head")),
        parameters=(
            *(Parameter(f"{path}.weight", path, (4, 4), kind="block") for path in every),
            Parameter("head.weight", "head", (2, 4), kind="head"),
        ),
        towers=tuple(Tower(name, name, blocks=paths) for name, paths in blocks.items()),
        head=("head",),
    )


TREE = tree_of(body=6)


def trained(rules: str, tree: LayerTree = TREE) -> set[str]:
    """Modules in which something trains."""
    return {name.rpartition(".")[0] for name in resolve(parse_spec(rules), tree).names()}


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.2, 0.3, 0.4, 0.5, 0.6, 0.9], {"head"}),
        ([0.2, 0.5, 0.9, 0.9, 0.8, 0.7], {"body.3", "body.4", "body.5", "head"}),
        ([0.2, 0.5, 0.89, 0.9, 0.8, 0.7], {"body.3", "body.4", "body.5", "head"}),  # within one standard error
    ],
)
def test_what_lies_before_the_best_features_is_frozen(accuracies, expected):
    found = from_features(TREE, accuracies, test_size=100)
    assert trained(found.rules) == expected
    assert found.score == pytest.approx(max(accuracies), abs=0.03)
    assert found.scores == tuple(accuracies)


def test_the_blocks_with_the_largest_gradients_train():
    found = from_gradients(TREE, [0.1, 0.9, 0.2, None, 0.8, float("inf")])
    assert trained(found.rules) == {"body.1", "body.4", "head"}
    assert found.score == pytest.approx(0.85)
    assert "body.1 and body.4" in found.why


def test_blocks_of_two_towers_are_told_apart():
    tree = tree_of(image=2, text=3)
    found = from_ratios(tree, [0.1, 0.9, 0.2, 0.3, 0.8])
    assert trained(found.rules, tree) == {"image.1", "text.2", "head"}


def test_a_budget_names_what_it_takes():
    found = from_budget("freeze blocks:first2", 16 * 10**9, 15 * 10**9)
    assert found.why == "The least frozen selection that fits in 16 GB: it takes 15 GB."
    assert from_budget("", 10, 5).rules == "train all"


def test_an_unknown_way_is_a_sentence():
    base = ProbeRequest(ModelSource("timm", "tiny"), FreezeSpec())
    with pytest.raises(ProbeError) as refused:
        SuggestRequest(base, ("gradient",))
    assert str(refused.value) == "There is no suggestion by 'gradient'. Did you mean 'gradients'?"
    request = SuggestRequest(base, ("snr",), 8 * 10**9)
    assert SuggestRequest.from_json(request.to_json()) == request
    assert SuggestResult("done", (from_budget("", 10, 5),)).to_json()["suggestions"][0]["rules"] == "train all"
