"""Keys: what an answer depends on, told without importing or reading it."""

import os

from freezecore.cache.keys import file_stamp, tuples, versions


def test_versions_are_of_what_is_installed():
    assert set(versions(("torch", "no-such-library"))) == {"torch"}
    assert list(versions()) == ["torch", "timm", "torchvision", "transformers"]


def test_a_name_that_is_no_file_has_no_stamp(tmp_path):
    assert [file_stamp(name) for name in (None, "", "resnet18", str(tmp_path / "nowhere"), "a\0b")] == [[]] * 5


def test_an_edited_file_has_another_stamp(tmp_path):
    file = tmp_path / "file"
    file.write_text("a")
    stamps = [file_stamp(str(file))]
    file.write_text("ab")
    os.utime(file, ns=(stamps[0][1], stamps[0][1]))
    stamps.append(file_stamp(str(file)))
    os.utime(file, ns=(1, 1))
    stamps.append(file_stamp(str(file)))
    assert len(set(map(tuple, stamps))) == 3


def test_a_folder_has_another_stamp_when_a_file_in_it_was_edited(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    before = file_stamp(str(tmp_path))
    os.utime(tmp_path / "config.json", ns=(2**61, 2**61))
    assert file_stamp(str(tmp_path)) != before


def test_lists_become_tuples_at_every_depth():
    assert tuples([1, [2, [3]], "ab"]) == (1, (2, (3,)), "ab")
