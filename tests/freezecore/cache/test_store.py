"""The cache folder: whole files, bounded in number."""

import os

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


def test_a_forgotten_entry_is_absent():
    store.write("tree", "key", b"corrupt")
    store.forget("tree", "key")
    store.forget("tree", "key")
    assert store.read("tree", "key") is None


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
