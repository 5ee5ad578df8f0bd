import pytest

from app.figures.lesson import lesson_runs
from app.figures.style import DARK, LIGHT
from app.text import LANGUAGES, Words
from freezecore._resolve import resolve
from freezecore.spec import FreezeSpec
from freezecore.tree import Layer, LayerTree, Parameter, Tower

TREE = LayerTree(
    "timm:x",
    tuple(Layer(path, "Net") for path in ("", "stem", "blocks.0", "blocks.1", "head")),
    tuple(Parameter(f"{path}.w", path, (4,), kind="linear") for path in ("stem", "blocks.0", "blocks.1", "head")),
    towers=(Tower("", "", blocks=("blocks.0", "blocks.1"), stem=("stem",)),),
    head=("head",),
)
MASKS = [resolve(FreezeSpec.parse(rules), TREE) for rules in ("freeze all; train head", "freeze all; train stem")]


def drawn(results, shown="accuracy_after", lang="en", palette=LIGHT):
    return lesson_runs(["head", "stem"], MASKS, results, shown, lambda value: f"{value:.3f}", Words(lang), palette)


def test_each_run_shows_which_parts_of_the_network_train():
    network = drawn([{}, {}])["data"][0]
    assert network["marker"]["color"] == [0, 0, 0, 1, 1, 0, 0, 0]
    assert network["y"] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert network["hovertext"][3] == "head: trains" and network["hovertext"][7] == "head: frozen"


def test_bars_grow_as_runs_end_and_an_accuracy_has_its_interval():
    _, bars, texts = drawn([{}, {"accuracy_after": 0.9, "interval": (0.87, 0.92)}])["data"]
    assert (bars["x"], texts["text"]) == ([0.9], ["0.900"])
    assert 0.5 < texts["y"][0] < bars["y"][0] < 1.5
    assert bars["error_x"]["array"] == [pytest.approx(0.02)] and bars["error_x"]["arrayminus"] == [pytest.approx(0.03)]


def test_a_step_has_the_interval_of_its_time_and_a_run_that_goes_on_is_pale():
    live = {"step_s": 0.05, "step_interval": (0.04, 0.08), "live": True}
    bars = drawn([live, {"step_s": 0.1}], "step_s")["data"][1]
    assert bars["error_x"]["array"] == [pytest.approx(0.03), 0] and bars["marker"]["opacity"] == [0.45, 1]


def test_a_time_has_no_interval_of_an_accuracy():
    bars = drawn([{"step_s": 0.05, "interval": (0.8, 0.9)}, {}], "step_s")["data"][1]
    assert bars["error_x"]["array"] == [0]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_it_is_drawn_in_every_language_and_theme(lang, palette):
    figure = drawn([{}, {}], lang=lang, palette=palette)
    assert figure["data"][0]["marker"]["colorscale"][1][1] == palette.train
    assert figure["layout"]["xaxis2"]["title"]["text"] == Words(lang)("shown.accuracy_after")
