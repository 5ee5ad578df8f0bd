from app.figures.style import LIGHT
from app.figures.timeline import MOST, timeline_chart
from app.text import LANGUAGES, Words
from freezecore._estimate import Timeline
from freezecore._estimate.replay import Moment

TOLD = Timeline(
    100, 20, 5,
    (
        Moment(1, 0, 0, "forward", "stem", "convolution", 0),
        Moment(30, 0, 2, "forward", "head", "addmm", 1),
        Moment(20, 4, 9, "backward", "head", "addmm", 1),
        Moment(0, 4, 8, "optimizer step", "", ""),
    ),
    2,
)  # fmt: skip
FULL = Timeline(100, 200, 5, (*TOLD.moments[:3], Moment(9, 9, 90, "backward", "stem", "convolution", 0)), 2)


ENGLISH = Words("en")


def traces(words=ENGLISH, told=TOLD):
    return {trace["name"]: trace for trace in timeline_chart(told, FULL, words, LIGHT)["data"]}


def test_the_parts_stacked_are_the_total_at_each_point():
    drawn = traces()
    stacked = [sum(values) for values in zip(*[d["y"] for d in drawn.values() if "stackgroup" in d], strict=True)]
    assert stacked == drawn["total"]["y"] == [126, 157, 158, 137]
    assert drawn["total"]["x"] == [0, 1, 2, 4]


def test_the_peak_is_marked_and_everything_that_trains_stands_behind():
    drawn = traces()
    assert (drawn["peak 158 B"]["x"], drawn["peak 158 B"]["y"]) == ([2], [158])
    assert max(drawn["everything trains"]["y"]) == FULL.peak_bytes == 413


def test_a_point_names_its_layer_and_its_operation_in_every_language():
    for lang in LANGUAGES:
        words = Words(lang)
        point = traces(words)[words("timeline.total")]["customdata"][2]
        assert "head · addmm" in point[0] and point[1] == "158 B"


def test_of_a_step_of_many_calls_few_points_are_drawn_and_the_peak_is_among_them():
    many = tuple(Moment(i % 977, 0, 0, "forward", "", "add", i) for i in range(20_000))
    drawn = traces(told=Timeline(0, 0, 0, many, 20_000))["total"]
    assert len(drawn["x"]) <= MOST and max(drawn["y"]) == 976
