import pytest

from app.figures.classroom import guesses, results
from app.figures.style import DARK, LIGHT
from app.text import LANGUAGES, Words


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_guesses_are_counted_also_those_that_nobody_chose(lang, palette):
    (bars,) = guesses({"head": "The head", "all": "Everything"}, {"all": 3}, Words(lang), palette)["data"]
    assert (bars["x"], bars["text"]) == ([0, 3], ["0", "3"])


def test_each_person_is_a_point_in_the_row_of_the_run():
    people = [[("Yuki", 0.9), ("Aoi", 0.9)], [("Yuki", 0.5)]]
    figure = results(["head", "all"], people, "accuracy_after", lambda v: f"{v:.3f}", Words("en"), LIGHT)
    (dots,) = figure["data"]
    assert dots["x"] == [0.9, 0.9, 0.5] and dots["text"][0] == "Yuki: 0.900"
    assert dots["y"][0] != dots["y"][1] and dots["y"][2] == 1
