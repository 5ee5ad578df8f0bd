import json
from dataclasses import replace

import pytest

from app.figures.columns import columns
from app.figures.cost_charts import model_part, selection_part
from app.figures.style import DARK, LIGHT, palette_of
from app.link import Link
from app.service.pricing import KnownCost
from app.service.selection import ModelSelection
from app.text import Words
from freezecore._estimate import AnyEstimate, CurvePoint, Estimate, PartialEstimate
from freezecore.mask import Mask
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import Layer, LayerTree, Parameter, Tower
from tests.browser.apps.trees import sees

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
COST = Estimate(95, "backward", 40, 10, 20, 25, 0, 1, 1, 10, 25, None, (), ())
FULL = Estimate(250, "backward", 40, 40, 80, 90, 0, 1, 2, 40, 90, None, (), ())
PARTIAL = PartialEstimate(40, 10, 20, 10, ())
POINTS = (CurvePoint(0, "train all", 900, 5), CurvePoint(1, "", None, None), CurvePoint(2, "", 300, 1))


def painted(mask: Mask, cost: AnyEstimate | None) -> dict:
    """What is sent when this mask is ticked, whatever the rules."""
    selection = ModelSelection(Link(), ModelSource("timm", "x"), mask.tree, FreezeSpec(), mask)
    return selection_part(selection, KnownCost(cost=cost, full=FULL), WORDS)


def test_memory_parts_stand_as_they_were_computed_and_unknown_ones_have_no_text():
    part, partial = (painted(Mask.from_names(TREE, ["head.w"]), cost) for cost in (COST, PARTIAL))
    assert part["sizes"] == [40, 10, 20, 25, 0]
    assert part["texts"] == ["40 B", "10 B", "20 B", "25 B", "0 B"]
    assert (partial["sizes"], partial["peak"], partial["moment"]) == ([40, 10, 20, 0, 0], None, None)
    assert partial["texts"] == ["40 B", "10 B", "20 B", None, None]
    assert partial["numbers"][0] == ["unknown", None, False]
    assert model_part(TREE, FULL, (), WORDS, LIGHT)["full"] == [40, 40, 80, 90, 0]


def test_every_number_is_seen_beside_training_everything():
    numbers = painted(Mask.from_names(TREE, ["head.w"]), COST)["numbers"]
    assert numbers[0] == ["95 B", "−62 % vs full", True]
    assert numbers[2] == ["1 FLOP", "−50 % vs full", True]
    assert painted(Mask.from_names(TREE, ["head.w"]), None)["numbers"][0] == ["…", None, False]


def test_a_step_that_does_not_fit_warns_and_shows_the_way_to_what_would():
    mask = Mask.from_names(TREE, ["head.w"])
    fitting, warned = painted(mask, COST), painted(mask, replace(COST, peak_bytes=10**12))
    assert fitting["numbers"][1] == ["yes", None, False]
    assert warned["numbers"][1] == ["no", None, False, "What would fit"]
    assert painted(mask, PARTIAL)["numbers"][1] == ["unknown", None, False]


def test_every_column_has_a_state_a_name_and_its_parameters():
    mask = Mask.from_names(TREE, ["a.w", "b.b", "head.w"])
    columns = model_part(TREE, None, (), WORDS, DARK)["columns"]
    assert painted(mask, None)["states"] == "ftmt"
    assert [column[0] for column in columns] == ["stem", "0 (input)", "1 (output)", "head"]
    assert [column[4] for column in columns] == [[[0, 1]], [[1, 2]], [[2, 4]], [[4, 5]]]


def test_the_depth_curve_shares_the_axis_of_the_blocks():
    (part, _, curve), *others = model_part(TREE, FULL, POINTS, WORDS, LIGHT)["curves"]
    assert [point[:3] for point in curve] == [[-0.5, 900, "900 B"], [2.5, 300, "300 B"]]
    assert (part, others) == ("", [])


def test_the_curve_of_a_part_stands_over_its_own_blocks():
    tree = sees()
    found = columns(tree)
    points = [CurvePoint(n, "", 900 - n, 5) for n in range(7)]
    part = {"vision": points[:5], "language": points}
    made = model_part(tree, FULL, points, WORDS, LIGHT, of_parts=part)["curves"]
    assert [name for name, *_ in made] == ["", "vision", "language"]
    for (name, _, curve), tower in zip(made[1:], tree.towers, strict=True):
        border = [int(place + 0.5) for place, *_ in curve]  # column that begins behind each point
        frozen = [{found[i].tower for i in range(border[0], end)} for end in border[1:]]
        assert frozen and all(each == {tower.name} for each in frozen), name
        assert [found[end - 1].block for end in border[1:]] == list(range(len(tower.blocks)))


def test_what_a_tick_sends_is_small_even_for_hundreds_of_blocks():
    blocks = tuple(f"block.{i}" for i in range(400))
    parameters = tuple(Parameter(f"{path}.w", path, (8, 8), kind="block") for path in blocks)
    tree = LayerTree("timm:deep", (Layer("", "Net"),), parameters, towers=(Tower("net", "", blocks=blocks),))
    assert len(json.dumps(painted(Mask(tree, (True,) * 400), COST))) < 1_000


@pytest.mark.parametrize("theme", ["light", "dark", None])
def test_every_theme_has_a_palette(theme):
    assert palette_of(theme).name == (theme or "light")
