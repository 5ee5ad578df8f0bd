"""A fault in the rules has a place, and what its hint offers can take that place."""

import pytest

from app.service.mended_rules import line_and_column, offers, place_of
from freezecore._resolve import resolve
from freezecore.errors import RuleError
from freezecore.spec import FreezeSpec
from tests.browser.apps.trees import resnet

TREE = resnet()


def fault(text: str) -> RuleError:
    with pytest.raises(RuleError) as raised:
        resolve(FreezeSpec.parse(text), TREE)
    return raised.value


@pytest.mark.parametrize(
    ("text", "place", "mended"),
    [
        ("freeze all\ntrian head", (2, 1), "freeze all\ntrain head"),
        ("freeze all; train heads", (1, 19), "freeze all; train head"),
        ("freeze layer10\ntrain layr1", (1, 8), "freeze layer1.0\ntrain layr1"),
        ("freeze layer1\ntrain layr1", (2, 7), "freeze layer1\ntrain layer1"),
        ("freeze type:Conv2", (1, 13), "freeze type:Conv2d"),
        ("freeze typ:Conv2d", (1, 8), "freeze type:Conv2d"),
        ("freeze contains:layr1", (1, 17), "freeze contains:layer1"),
    ],
)
def test_the_first_name_of_the_hint_mends_the_rules_at_the_place_of_the_fault(text, place, mended):
    error = fault(text)
    found = place_of(error, text)
    assert found and line_and_column(text, found.start) == place
    assert next(iter(offers(error, text).values())) == mended


@pytest.mark.parametrize("text", ["freeze blocks:0-20", "norms hald"])
def test_a_hint_that_names_nothing_to_put_instead_offers_nothing_but_has_a_place(text):
    assert place_of(fault(text), text)
    assert offers(fault(text), text) == {}
