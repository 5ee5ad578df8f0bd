"""The cache folder: whole files, bounded in number."""

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


def test_what_can_no_longer_be_parsed_is_forgotten(tmp_path):
    store.write("tree", "key", b"7")
    assert store.load("tree", "key", int) == 7
    store.write("tree", "key", b"corrupt")
    assert store.load("tree", "key", int) is None
    assert store.load("tree", "key", int) is None
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
            if file.read_bytes() == key.encode():
                os.utime(file, (1000 + age, 1000 + age))
    store.write("tree", "new", b"new")
    assert [key for key in "edcba" if store.read("tree", key)] == ["b", "a"]
    assert store.read("tree", "new") == b"new"


def test_a_writer_that_fails_leaves_the_old_content_and_nothing_else(monkeypatch, tmp_path):
    store.write("tree", "key", b"old")

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        store.write("tree", "key", b"new")
    assert store.read("tree", "key") == b"old"
    assert len(list((tmp_path / "tree").iterdir())) == 1
