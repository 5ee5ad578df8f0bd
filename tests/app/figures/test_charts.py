import json

import pytest

from app.figures import charts, colours, curves
from app.text import Words
from freezecore._estimate import CurvePoint, Estimate
from freezecore.mask import Mask
from freezecore.tree import Layer, LayerTree, Parameter, Tower

WORDS = Words("en")
TREE = LayerTree(
    "timm:x",
    (Layer("", "Net"),),
    (
        Parameter("stem.w", "stem", (10, 10), kind="stem"),
        Parameter("a.w", "a", (300,), kind="block"),
        Parameter("b.w", "b", (4, 90), kind="block"),
        Parameter("b.b", "b", (40,), kind="block", bias=True),
        Parameter("head.w", "head", (20,), kind="head"),
    ),
    towers=(Tower("net", "", stem=("stem",), blocks=("a", "b")),),
    head=("head",),
)
COST = Estimate(95, "backward", 40, 10, 20, 25, None, 1, 1, 10)
FULL = Estimate(250, "backward", 40, 40, 80, 90, None, 1, 2, 40)
POINTS = (CurvePoint(0, "train all", 900, 5), CurvePoint(1, "", None, None), CurvePoint(2, "", 300, 1))


def test_memory_parts_stand_as_they_were_computed_and_unknown_ones_have_no_text():
    mask = Mask.from_names(TREE, ["head.w"])
    now = charts.now(TREE, mask, COST, "")
    assert now["sizes"] == [40, 10, 20, 25, 0]
    assert now["texts"] == ["40 B", "10 B", "20 B", "25 B", None]
    assert charts.still(TREE, FULL, (), WORDS, colours.LIGHT)["full"] == [40, 40, 80, 90, 0]


def test_every_column_has_a_state_a_name_and_its_parameters():
    mask = Mask.from_names(TREE, ["a.w", "b.b", "head.w"])
    still = charts.still(TREE, None, (), WORDS, colours.DARK)
    assert charts.now(TREE, mask, None, "…")["states"] == "ftmt"
    assert [column[0] for column in still["columns"]] == ["stem", "0 (input)", "1 (output)", "head"]
    assert [column[4] for column in still["columns"]] == [[[0, 1]], [[1, 2]], [[2, 4]], [[4, 5]]]


def test_the_depth_curve_shares_the_axis_of_the_blocks():
    curve = charts.still(TREE, FULL, POINTS, WORDS, colours.LIGHT)["curve"]
    assert [point[:3] for point in curve] == [[-0.5, 900, "900 B"], [2.5, 300, "300 B"]]


def test_what_a_tick_sends_is_small_even_for_hundreds_of_blocks():
    blocks = tuple(f"block.{i}" for i in range(400))
    parameters = tuple(Parameter(f"{path}.w", path, (8, 8), kind="block") for path in blocks)
    tree = LayerTree("timm:deep", (Layer("", "Net"),), parameters, towers=(Tower("net", "", blocks=blocks),))
    assert len(json.dumps(charts.now(tree, Mask(tree, (True,) * 400), COST, ""))) < 1_000


def test_only_runs_that_no_other_beats_are_on_the_front():
    points = [
        curves.Point("small", 10, 0.8, None),
        curves.Point("beaten", 20, 0.7, (0.6, 0.8)),
        curves.Point("large", 30, 0.9, None),
    ]
    figure = curves.accuracy_against_cost(points, WORDS, colours.LIGHT)
    assert (figure["data"][0]["x"], figure["data"][0]["y"]) == ([10, 30], [0.8, 0.9])


@pytest.mark.parametrize("theme", ["light", "dark", None])
def test_every_theme_has_a_palette(theme):
    assert colours.of(theme).name == (theme or "light")


def test_an_accuracy_chart_without_steps_is_empty_but_there():
    figure = curves.learning([], [], None, WORDS, colours.LIGHT)
    assert [trace["x"] for trace in figure["data"]] == [[], []]
