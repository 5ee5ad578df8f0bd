"""The cache folder: whole files, bounded in number."""

import errno
import json
import os
import sys
from pathlib import Path

import pytest

from freezecore.cache import store


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path))


def test_what_was_written_is_read_back_and_the_rest_is_absent():
    store.write("tree", "timm:resnet18 1.0", b"content")
    assert store.read("tree", "timm:resnet18 1.0") == b"content"
    assert store.read("tree", "timm:resnet18 1.1") is None
    assert store.read("trace", "timm:resnet18 1.0") is None


@pytest.mark.parametrize("content", [b"corrupt", b"[" * 100_000, b"[]", b"null"])
def test_what_can_no_longer_be_parsed_is_forgotten(content, tmp_path):
    def parse(text):
        return json.loads(text)[0]

    store.write("tree", "key", b"[7]")
    assert store.load("tree", "key", parse) == 7
    store.write("tree", "key", content)
    assert store.load("tree", "key", parse) is None
    assert store.load("tree", "key", parse) is None
    assert not list((tmp_path / "tree").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="every system has its own place for caches")
def test_without_a_folder_given_the_users_cache_folder_is_taken(monkeypatch):
    monkeypatch.delenv(store.HOME_VARIABLE)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/ann")
    assert store.home() == Path("/home/ann/.cache/freeze-explorer")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert store.home() == Path("/caches/freeze-explorer")


def test_the_oldest_entries_go_when_there_are_too_many(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "MOST_FILES", 3)
    for age, key in enumerate("edcba"):
        store.write("tree", key, key.encode())
        for file in (tmp_path / "tree").iterdir():
            if file.read_bytes()[store.DIGEST_BYTES :] == key.encode():
                os.utime(file, (1000 + age, 1000 + age))
    store.write("tree", "new", b"new")
    assert [key for key in "edcba" if store.read("tree", key)] == ["b", "a"]
    assert store.read("tree", "new") == b"new"


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-1], lambda c: c + b"x", lambda c: c[:40] + b"X" + c[41:], lambda c: b""]
)
def test_what_was_damaged_on_the_disk_is_dropped_and_said(damage, tmp_path, caplog):
    store.tell.cache_clear()
    store.write("tree", "key", b"a content of some length")
    [file] = (tmp_path / "tree").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert store.read("tree", "key") is None
    assert not list((tmp_path / "tree").iterdir())
    assert [record.message for record in caplog.records] == [
        f"What was kept in {tmp_path / 'tree'} was damaged and is made again."
    ]


def test_a_folder_in_a_files_place_gives_way(tmp_path):
    store.write("tree", "key", b"old")
    [file] = (tmp_path / "tree").iterdir()
    file.unlink()
    (file / "inside").mkdir(parents=True)
    assert store.read("tree", "key") is None
    store.write("tree", "key", b"new")
    assert store.read("tree", "key") == b"new"


def _a_file(home: Path) -> Path:
    (home / "blocked").write_bytes(b"")
    return home / "blocked"


PLACES = {
    "a file": (_a_file, "Not a directory", "Set FREEZE_EXPLORER_HOME"),
    "a device": (lambda home: Path(os.devnull), "Not a directory", "Set FREEZE_EXPLORER_HOME"),
    "a long name": (lambda home: home / ("x" * 300), "File name too long", "Set FREEZE_EXPLORER_HOME"),
    "no file system to write": (lambda home: Path("/proc/here"), "No such file or directory", "Set FREEZE_EXPLORER"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="words of Linux")
@pytest.mark.parametrize("place", PLACES)
def test_what_cannot_be_kept_is_said_once_and_nobody_depends_on_it(place, tmp_path, monkeypatch, caplog):
    store.tell.cache_clear()
    make, cause, hint = PLACES[place]
    monkeypatch.setenv(store.HOME_VARIABLE, str(make(tmp_path)))
    for _ in range(2):
        assert store.read("tree", "key") is None
        store.write("tree", "key", b"content")
    [record] = caplog.records
    assert cause in record.message and hint in record.message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_such_and_never_as_a_file_in_the_way(number, monkeypatch, caplog, tmp_path):
    store.tell.cache_clear()

    def full(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    store.write("tree", "key", b"content")
    assert caplog.records[0].message.endswith("Make room on the disk.")
    assert not list((tmp_path / "tree").iterdir())


def test_without_a_home_nothing_is_kept_and_no_folder_of_that_name_appears(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(store.HOME_VARIABLE, "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)

    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert store.home() == store.NOWHERE
    store.write("tree", "key", b"content")
    assert not list(tmp_path.iterdir())
