import pytest

from app.service.classes import ClassEntry, Classes, nickname
from freezecore.errors import FreezeError


@pytest.fixture
def classes(tmp_path):
    return Classes(tmp_path / "classes.sqlite")


def test_a_class_shows_everybodys_newest_guess(classes):
    token = classes.open()
    classes.note(token, ClassEntry("Yuki", "enough", "head", ("r1",)))
    classes.note(token, ClassEntry("Aoi", "enough", "all", ("r2", "r3")))
    classes.note(token, ClassEntry("Yuki", "enough", "same", ("r4",)))
    assert classes.entries(token, "enough") == (
        ClassEntry("Aoi", "enough", "all", ("r2", "r3")),
        ClassEntry("Yuki", "enough", "same", ("r4",)),
    )


def test_classes_do_not_see_each_other(classes):
    one, other = classes.open(), classes.open()
    classes.note(one, ClassEntry("Yuki", "enough", "head", ()))
    assert classes.entries(other) == ()
    assert (classes.exists(one), classes.exists("nothing")) == (True, False)


def test_a_guess_in_a_class_that_was_never_opened_is_refused_in_a_sentence(classes):
    with pytest.raises(FreezeError) as refused:
        classes.note("x' OR 1=1 --", ClassEntry("Yuki", "enough", "head", ()))
    assert str(refused.value) == "There is no class 'x' OR 1=1 --'. Ask your teacher for the link again."


@pytest.mark.parametrize(
    ("typed", "kept"), [("  Yuki ", "Yuki"), ("\x1b[31mゆき", "[31mゆき"), ("x" * 100, "x" * 24), ("結衣", "結衣")]
)
def test_nicknames_are_printable_and_short(typed, kept):
    assert nickname(typed) == kept


def test_an_empty_nickname_is_refused():
    with pytest.raises(FreezeError):
        nickname(" \n\t ")
