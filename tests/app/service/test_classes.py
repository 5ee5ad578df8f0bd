import sqlite3
import time

import pytest

from app.service.classes import (
    JOINED,
    MOST_BEGUN,
    MOST_ENTRIES,
    MOST_WRITTEN,
    ClassEntry,
    Classes,
    ClassSettings,
    nickname,
)
from app.service.visitors import ADDRESS, PER_ADDRESS, cookie, new_name, token, visitor
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


def test_answers_before_and_after_are_kept_and_whoever_is_there_is_counted(classes):
    token = classes.open()
    classes.note(token, ClassEntry("Ken", JOINED, "", ()))
    classes.note(token, ClassEntry("Yuki", JOINED, "", ()))
    classes.note(token, ClassEntry("Yuki", "enough", "head", (), "b"))
    classes.note(token, ClassEntry("Yuki", "enough", "head", ("r1",), "b", "a"))
    assert classes.entries(token) == (ClassEntry("Yuki", "enough", "head", ("r1",), "b", "a"),)
    assert classes.present(token) == 2
    classes.note(token, ClassEntry("Yuki", "enough", "same", ("r2",)))  # typed again after a reload
    assert classes.entries(token) == (ClassEntry("Yuki", "enough", "same", ("r2",), "b", "a"),)


def test_a_name_that_another_browser_has_is_refused_and_nothing_of_its_owner_is_lost(classes):
    token = classes.open()
    entry = ClassEntry("はな", "enough", "head", ("r1", "r2", "r3"), "b", "a")
    classes.note(token, entry, "browser 1")
    for taken in (ClassEntry("はな", JOINED, "", ()), ClassEntry(" はな", "enough", "all", ())):
        with pytest.raises(FreezeError, match="Somebody else in this class is called 'はな'"):
            classes.note(token, taken, "browser 2")
    assert classes.entries(token) == (entry,)
    classes.note(classes.open(), guess("はな"), "browser 2")  # another class has a はな of its own
    classes.note(token, ClassEntry("はな", "race", "all", ()), "browser 1")
    assert classes.present(token) == 1


def test_a_browser_finds_the_names_it_has_written_under_and_nobody_elses(classes):
    token = classes.open()
    for name, browser in (("はな", "browser 1"), ("小明", "browser 2"), ("Ken", f"{ADDRESS}10.0.0.1")):
        classes.note(token, ClassEntry(name, JOINED, "", ()), browser)
        classes.note(token, guess(name), browser)
    assert classes.names(token, "browser 1") == ["はな"]
    assert classes.names(token, "browser 3") == classes.names(classes.open(), "browser 1") == []
    assert classes.names(token, f"{ADDRESS}10.0.0.1") == [], "many share an address"


def test_a_teacher_chooses_what_is_shared_and_revealed(classes):
    token, other = classes.open(teacher="t"), classes.open(teacher="t")
    assert classes.settings(token) == ClassSettings("t", False, frozenset())
    classes.change(token, ClassSettings("t", True, frozenset({"enough", "race"})))
    assert classes.settings(token) == ClassSettings("t", True, frozenset({"enough", "race"}))
    assert classes.settings(other) == ClassSettings("t")


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


def guess(name: str, lesson: str = "enough") -> ClassEntry:
    return ClassEntry(name, lesson, "head", ())


def test_sixty_browsers_fill_a_class_together_and_one_cannot(classes):
    token = classes.open("teacher")
    for i in range(60):
        for lesson in range(12):
            classes.note(token, guess(f"pupil {i}", f"lesson {lesson}"), f"browser {i}")
    assert len(classes.entries(token)) == 720
    with pytest.raises(FreezeError, match="many names"):
        for i in range(MOST_ENTRIES):
            classes.note(token, guess(f"name {i}"), "flood")
    classes.note(token, guess("late"), "browser of a late one")
    classes.note(token, guess("name 0"), "flood")  # what was written may be changed
    assert len(classes.entries(token)) == 720 + MOST_WRITTEN + 1


def test_one_visitor_cannot_begin_classes_without_end_and_nobody_is_kept_from_beginning_one(classes, monkeypatch):
    monkeypatch.setattr("app.service.classes.MOST_CLASSES", 50)
    used = classes.open("teacher")
    classes.note(used, guess("Yuki"), "pupil")
    with pytest.raises(FreezeError, match="many classes today"):
        for _ in range(2_000):
            classes.open("flood")
    for i in range(100):
        last = classes.open(f"browser {i}")
    assert classes.exists(used) and classes.exists(last), "those in which somebody has written stay"


def test_what_has_no_token_shares_as_much_as_some_browsers_have(classes):
    for _ in range(MOST_BEGUN * PER_ADDRESS):
        classes.open(f"{ADDRESS}10.0.0.1")
    with pytest.raises(FreezeError):
        classes.open(f"{ADDRESS}10.0.0.1")
    own = {cookie(): token(new_name())}
    assert visitor(own, "10.0.0.1") != visitor({cookie(): token(new_name())}, "10.0.0.1")
    assert visitor(own, "10.0.0.1") == visitor(own, "10.0.0.2")
    assert visitor({cookie(): "made.up"}, "10.0.0.1") == visitor({}, "10.0.0.1") == f"{ADDRESS}10.0.0.1"


def test_entries_are_bounded_in_length(classes):
    token = classes.open()
    classes.note(token, ClassEntry("Yuki", "x" * 10_000, "y" * 10_000, ("r" * 10_000,) * 1_000))
    (entry,) = classes.entries(token)
    assert len(repr(entry)) < 700


def test_classes_of_an_earlier_version_are_kept(tmp_path):
    file = tmp_path / "classes.sqlite"
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE classes (token TEXT PRIMARY KEY, created REAL)")
        db.execute("INSERT INTO classes VALUES ('old', ?)", (time.time(),))
    assert Classes(file).exists("old")
    Classes(file).note("old", guess("Yuki"), "pupil")
    assert Classes(file).open("teacher")
