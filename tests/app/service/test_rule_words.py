import pytest

from app.service.rule_words import rule_words
from freezecore._resolve import resolve
from freezecore.spec import FreezeSpec
from tests.app.conftest import _tree


@pytest.mark.parametrize("verb", ["freeze", "train"])
def test_every_role_position_and_class_that_is_offered_hits_something(verb):
    tree = _tree("timm:resnet18")
    words = rule_words(tree)
    whole = [text for text in (*words[verb], *words["type:"]) if not text.endswith(":")]
    assert {"head", "norms", "blocks:0-7", "blocks:last2", "type:BatchNorm2d"} <= set(whole)
    for text in whole:
        assert resolve(FreezeSpec.parse(f"{verb} {text}"), tree).hits[0].positions, text


def test_the_beginnings_of_a_statement_can_be_read_with_what_follows_them():
    words = rule_words(_tree("timm:resnet18"))
    for text in words[""]:
        ends = "all" if text.startswith(("freeze", "train")) else "train all" if text.startswith("from") else ""
        FreezeSpec.parse(text + ends)
