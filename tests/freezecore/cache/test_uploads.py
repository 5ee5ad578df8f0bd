"""What a visitor drops is kept whole or not at all, and is what it was when it is read again."""

import errno
import os
import time
from pathlib import Path

import pytest

from freezecore.cache import store, uploads
from freezecore.errors import FreezeError

CONTENT = b"text,label\n" + b"a sentence,good\n" * 40_000


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path))


def files(tmp_path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "given", ["my pets.CSV", "猫の写真.csv", "a" * 200 + ".csv", "..csv", "../../up.csv", "\u202e.csv"]
)
def test_a_name_stands_for_the_file_and_for_no_place(given, tmp_path):
    name = uploads.keep(CONTENT, given)
    assert name == uploads.keep(CONTENT, given)
    uploads.check(name)
    assert uploads.place_of(name).read_bytes() == CONTENT
    assert str(tmp_path) not in name and name.isprintable() and len(name) < 140
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize(
    "name", ["uploads/x", "/etc/passwd", "uploads/../../etc/passwd", f"uploads/{'0' * 32}/..", "a.csv"]
)
def test_any_other_path_stands_for_itself(name):
    assert uploads.place_of(name) == Path(name)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fills_during_an_upload_gives_a_sentence_and_leaves_nothing(number, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched, pytest.raises(FreezeError) as refused:
        patched.setattr(os, "fsync", full)
        uploads.keep(CONTENT, "reviews.csv")
    assert "'reviews.csv' cannot be kept" in refused.value.problem
    assert ("Make room" in refused.value.hint) == (number != errno.EIO)
    assert not files(tmp_path)
    uploads.check(uploads.keep(CONTENT, "reviews.csv"))


@pytest.mark.parametrize(
    "damage", [lambda c: c[: len(c) // 2], lambda c: b"", lambda c: c + b"x", lambda c: c[:-1] + b"?"]
)
def test_a_half_file_is_never_read_and_is_whole_again_when_it_is_dropped_again(damage):
    name = uploads.keep(CONTENT, "reviews.csv")
    place = uploads.place_of(name)
    uploads.check(name)
    place.write_bytes(damage(CONTENT))
    os.utime(place, (1, 1))
    with pytest.raises(FreezeError, match=r"'reviews.csv' was damaged .* Drop it again"):
        uploads.check(name)
    with pytest.raises(FreezeError, match="'reviews.csv' was dropped here, and is no longer there"):
        uploads.check(name)
    assert uploads.keep(CONTENT, "reviews.csv") == name
    assert place.read_bytes() == CONTENT
    uploads.check(name)


def test_a_half_file_in_the_place_is_replaced_when_the_whole_one_is_dropped():
    name = uploads.keep(CONTENT, "reviews.csv")
    uploads.place_of(name).write_bytes(CONTENT[:446])
    uploads.keep(CONTENT, "reviews.csv")
    assert uploads.place_of(name).read_bytes() == CONTENT


def test_a_half_file_under_a_path_of_earlier_links_is_not_read_either(tmp_path):
    old = tmp_path / "uploads" / f"{uploads._digest(CONTENT)}-reviews.csv"
    old.parent.mkdir()
    old.write_bytes(CONTENT)
    uploads.check(str(old))
    old.write_bytes(CONTENT[:446])
    with pytest.raises(FreezeError, match="was damaged"):
        uploads.check(str(old))


def test_what_was_not_opened_for_long_goes_and_what_is_opened_stays(tmp_path):
    names = [uploads.keep(bytes([i]), "a.csv") for i in range(3)]
    long_ago = time.time() - uploads.MOST_AGE_S - 10
    for name in names:
        os.utime(uploads.place_of(name).parent, (long_ago, long_ago))
    uploads.check(names[1])
    uploads.keep(b"new", "b.csv")
    assert [uploads.place_of(name).exists() for name in names] == [False, True, False]
    assert not [path for path in (tmp_path / "uploads").iterdir() if not any(path.iterdir())]


def test_the_oldest_go_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_FILES", 3)
    names = []
    for number in range(5):
        names.append(uploads.keep(bytes([number]), "a.csv"))
        os.utime(uploads.place_of(names[-1]).parent, (1e9 + number + time.time() - 1e9 - 100,) * 2)
    assert [uploads.place_of(name).exists() for name in names] == [False, False, True, True, True]
