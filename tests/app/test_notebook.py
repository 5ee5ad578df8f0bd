"""The tree in a notebook, without one: what ticks mean, and what setting rules or a mask sends to the boxes."""

import pytest
import torch
from traitlets import TraitError

import freezecore as fc
from app.components.tree.bits import decode, encode
from app.notebook import TreeWidget
from freezecore.api import _masks
from freezecore.errors import FreezeError


def model(frozen: bool = False) -> torch.nn.Module:
    made = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.LayerNorm(8), torch.nn.Linear(8, 2))
    if frozen:
        made[0].requires_grad_(False)
    return made


def shown(rules=None, *, frozen: bool = False) -> TreeWidget:
    made = model(frozen)
    return TreeWidget(_masks(made, None)[0], _masks(made, rules)[0], rules)


def tick(view: TreeWidget, trains: tuple[bool, ...]) -> None:
    view.ticks = {"tree": view.mask.tree.fingerprint, "bits": encode(trains), "sequence": view.given["sequence"] + 1}


def boxes(view: TreeWidget) -> tuple[bool, ...]:
    return decode(view.given["bits"], len(view.mask.trains))


def test_ticks_are_the_rules_and_the_mask():
    view, told = shown("freeze all; train 2"), []
    view.observe(lambda change: told.append(change["new"]), "rules")
    tick(view, (True, True, False, False, True, True))
    assert view.rules == "freeze norms" and told == ["freeze norms"]
    assert view.mask.trains == boxes(view) == (True, True, False, False, True, True)


def test_rules_that_are_set_tick_the_boxes():
    view = shown()
    view.rules = "freeze all; train 1; norms update"
    assert boxes(view) == (False, False, True, True, False, False)
    assert view.mask.norms == "update" and view.rules == "freeze all; train 1; norms update"


def test_a_mask_that_is_set_is_written_as_rules():
    view = shown()
    view.mask = fc.resolve("freeze 0", view.mask.tree)
    assert view.rules == "freeze 0" and boxes(view)[:3] == (False, False, True)


def test_rules_that_hit_nothing_are_a_sentence_and_change_nothing():
    view = shown("freeze 0")
    with pytest.raises((FreezeError, TraitError), match="nowhere"):
        view.rules = "freeze nowhere"
    assert view.rules == "freeze 0" and boxes(view)[:3] == (False, False, True)


def test_the_rules_mean_the_same_on_a_model_that_has_something_frozen():
    view = shown(frozen=True)
    assert boxes(view)[:3] == (False, False, True)
    tick(view, (True,) * 6)
    made = model(frozen=True)
    fc.apply(made, view.rules)
    assert all(parameter.requires_grad for parameter in made.parameters())


@pytest.mark.parametrize("said", [{}, {"bits": "!!"}, {"tree": "other", "bits": "Pw", "sequence": 1}])
def test_what_the_tree_never_sends_is_passed_over(said):
    view = shown("freeze 0")
    view.ticks = said
    assert view.rules == "freeze 0"


def test_read_tree_stays_data():
    assert isinstance(fc.read_tree(model()), fc.LayerTree)
