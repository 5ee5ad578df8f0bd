import pytest

from app.figures.runs import accuracy_against_memory, learning_curve, loss_curves, names_of, what_trained
from app.figures.style import LIGHT
from app.service.run_table import RunRow
from app.text import Words
from freezecore.tree import Layer, LayerTree, Parameter

WORDS = Words("en")


def row(rules: str, peak: int | None, accuracy: float | None, interval: tuple | None = None) -> RunRow:
    result = {"peak_bytes": peak, "accuracy_after": accuracy, "interval": interval}
    return RunRow(None, None, "timm:x", rules, {}, result)


def test_only_runs_that_no_other_beats_are_on_the_front():
    rows = [row("small", 10, 0.8), row("beaten", 20, 0.7, (0.6, 0.8)), row("large", 30, 0.9), row("unknown", None, 0.9)]
    figure = accuracy_against_memory(rows, WORDS, LIGHT)
    assert (figure["data"][0]["x"], figure["data"][0]["y"]) == ([10, 30], [0.8, 0.9])
    assert len(figure["data"]) == 4, "a run without a peak has no point"


def test_a_learning_curve_without_steps_is_empty_but_there():
    figure = learning_curve([], None, WORDS, LIGHT)
    assert [trace["x"] for trace in figure["data"]] == [[], []]


def test_what_trained_leaves_out_runs_whose_rules_do_not_fit_the_model():
    tree = LayerTree("timm:x", (Layer("", "Net"),), (Parameter("head.w", "head", (4,), kind="head"),), head=("head",))
    fits, other = row("train all", 10, 0.8), row("train layer9", 10, 0.9)
    figure = what_trained([fits, other], [0, 1], tree, WORDS, LIGHT)
    assert [line["y"] for line in figure["data"]] == [[1.0, 0.8]]
    assert what_trained([other], [0], tree, WORDS, LIGHT) is None


def test_a_run_has_one_colour_and_one_name_in_all_figures():
    tree = LayerTree("timm:x", (Layer("", "Net"),), (Parameter("head.w", "head", (4,), kind="head"),), head=("head",))
    rows = [
        row("train all", None, 0.8),
        row("train all", 20, 0.7),
        row("train layer9", 30, None),
        row("train", 30, 0.9),
    ]
    steps = [{"event": "step", "step": 1, "loss": 1.0}]
    curves = loss_curves([(one, steps if i else ()) for i, one in enumerate(rows)], WORDS, LIGHT)["data"]
    points = accuracy_against_memory(rows, WORDS, LIGHT)["data"][1:]
    lines = what_trained(rows, [0, 1], tree, WORDS, LIGHT)["data"]
    assert [line["line"]["color"] for line in lines] == list(LIGHT.series[:2])
    assert [curve["line"]["color"] for curve in curves] == list(LIGHT.series[1:4])
    assert [point["marker"]["color"] for point in points] == [LIGHT.series[1], LIGHT.series[3]]
    assert lines[1]["name"] == curves[0]["name"] == points[0]["name"] != lines[0]["name"]


def test_each_curve_has_a_name_of_its_own():
    request = {"source": {"scheme": "timm", "name": "resnet18"}, "data": "shapes"}
    rows = [
        RunRow(None, None, "timm:resnet18", rules, {**request, "seed": seed}, {"learning_rate": rate})
        for rules, seed, rate in (("train all", 0, 0.1), ("train all", 1, 0.1), ("train all", 1, 0.1), ("", 0, 0.1))
    ]
    names = names_of(rows, WORDS)
    assert len(set(names)) == 4 and names[0].endswith("· Seed 0") and names[2].endswith("· Seed 1 · 2")
    unknown = [RunRow(None, None, "timm:x", "", {}, {"learning_rate": rate}) for rate in (None, 5e-5)]
    assert [name.split(" · ")[1:] for name in names_of(unknown, WORDS)] == [[], ["learning rate 0.00005"]]


def test_a_curve_shows_accuracy_along_the_way_with_its_interval():
    ends = [{"event": "eval", "when": when, "step": 30, "done": 100, "total": 100, "accuracy": accuracy}
             for when, accuracy in (("before", 0.1), ("along", 0.8))]  # fmt: skip
    events = [ends[0], {"event": "step", "step": 30, "loss": 1}, ends[1]]
    _, points = learning_curve(events, 60, WORDS, LIGHT)["data"]
    assert (points["x"], points["y"]) == ([0, 30], [0.1, 0.8])
    low, high = (points["error_y"][name][1] for name in ("arrayminus", "array"))
    assert 0.8 - low == pytest.approx(0.711, abs=1e-3) and 0.8 + high == pytest.approx(0.867, abs=1e-3)  # Wilson's


@pytest.mark.parametrize(("steps", "apart"), [(1, 1), (2, 1), (5, 1), (60, None), (3000, None)])
def test_ticks_of_steps_are_whole_numbers_with_separators(steps, apart):
    events = [{"event": "step", "step": step, "loss": 1.0} for step in (1, steps)]
    figures = (
        learning_curve(events, steps, WORDS, LIGHT), loss_curves([(row("", None, None), events)], WORDS, LIGHT)
    )  # fmt: skip
    for figure in figures:
        axis = figure["layout"]["xaxis"]
        assert (axis.get("dtick"), axis["tickformat"]) == (apart, ",d")


def test_runs_of_two_ranks_under_the_same_rules_are_told_apart():
    rows = [RunRow(None, None, "timm:x", "freeze all; train adapters", {"source": {"adapter": f"lora r={r}"}}, {})
            for r in (4, 16)]  # fmt: skip
    assert [row.told for row in rows] == [f"lora r={r} · freeze all; train adapters" for r in (4, 16)]
    first, second = names_of(rows, WORDS)
    assert "r=4" in first and "r=16" in second
