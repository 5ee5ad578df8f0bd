import pytest

from app import charts, curves, look
from app.columns import Column
from app.text import Words

WORDS = Words("en")
PARTS = {"weights": 40, "gradients": 10, "optimizer": 20, "activations": 25, "temporaries": None}
FULL = {"weights": 40, "gradients": 40, "optimizer": 80, "activations": 90, "temporaries": None}
COLUMNS = (
    Column("stem", "", "", (0,), 100, 0),
    Column("0", "", "a", (1,), 300, 300, 0),
    Column("1", "", "b", (2,), 400, 40, 1),
    Column("head", "", "", (3,), 20, 20),
)


def test_memory_parts_stand_as_they_were_computed_and_unknown_ones_are_left_out():
    figure = charts.memory(PARTS, FULL, WORDS, look.LIGHT)
    assert {trace["name"]: trace["x"] for trace in figure["data"]} == {
        "weights": [40, 40],
        "gradients": [40, 10],
        "optimizer": [80, 20],
        "activations": [90, 25],
    }


def test_the_memory_axis_reaches_to_training_everything():
    low, high = charts.memory(PARTS, FULL, WORDS, look.LIGHT)["layout"]["xaxis"]["range"]
    assert (low, round(high / 250, 2)) == (0, 1.02)


def test_blocks_tell_their_state_by_colour_and_by_pattern():
    bars = charts.blocks(COLUMNS, ["in", "0", "1", "head"], None, None, WORDS, look.DARK)["data"][0]
    assert bars["marker"]["color"] == [look.DARK.frozen, look.DARK.train, look.DARK.mixed, look.DARK.train]
    assert [row[2] for row in bars["customdata"]] == ["frozen", "trains", "partly trains", "trains"]


def test_the_depth_curve_shares_the_axis_of_the_blocks():
    curve = charts.CurveShown((0, 1, 2), (900, None, 300), (5, None, 1), ("train all", "", ""))
    data = charts.blocks(COLUMNS, ["in", "0", "1", "head"], curve, 350, WORDS, look.LIGHT)["data"]
    assert (data[1]["x"], data[1]["y"]) == ([-0.5, 2.5], [900, 300])
    assert data[2]["y"] == [350, 350]


def test_only_runs_that_no_other_beats_are_on_the_front():
    points = [
        curves.Point("small", 10, 0.8, None),
        curves.Point("beaten", 20, 0.7, (0.6, 0.8)),
        curves.Point("large", 30, 0.9, None),
    ]
    figure = curves.accuracy_against_cost(points, WORDS, look.LIGHT)
    assert (figure["data"][0]["x"], figure["data"][0]["y"]) == ([10, 30], [0.8, 0.9])


@pytest.mark.parametrize("theme", ["light", "dark", None])
def test_every_theme_has_a_palette(theme):
    assert look.of(theme).name == (theme or "light")


def test_an_accuracy_chart_without_steps_is_empty_but_there():
    figure = curves.learning([], [], None, WORDS, look.LIGHT)
    assert [trace["x"] for trace in figure["data"]] == [[], []]
