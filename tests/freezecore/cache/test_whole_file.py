"""Files are there whole or not at all."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from freezecore.cache import whole_file


def test_a_writer_that_fails_leaves_the_old_content_and_nothing_else(monkeypatch, tmp_path):
    file = tmp_path / "file"
    whole_file.write(file, b"old")

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        whole_file.write(file, b"new")
    assert file.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_disk_that_fills_in_the_middle_leaves_nothing(tmp_path):
    """The system itself refuses the second half."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
        with pytest.raises(OSError) as refused:
            whole_file.write(tmp_path / "file", bytes(2_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handled)
    assert refused.value.errno == errno.EFBIG and whole_file.hint(refused.value) == "Make room on the disk."
    assert not list(tmp_path.iterdir())


def test_a_writer_that_is_killed_before_the_end_leaves_the_old_content(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"old")
    code = (
        "import os, pathlib, sys; from freezecore.cache import whole_file\n"
        "os.fsync = lambda handle: os.kill(os.getpid(), 9)\n"
        "whole_file.write(pathlib.Path(sys.argv[1]), b'new')"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(file)], cwd=Path(__file__).parents[3], timeout=60)
    assert ended.returncode == -9
    assert file.read_bytes() == b"old"


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_file_is_as_readable_as_any_other(tmp_path):
    (tmp_path / "any").write_bytes(b"")
    whole_file.write(tmp_path / "file", b"content")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == stat.S_IMODE((tmp_path / "any").stat().st_mode)


def test_a_link_stays_one_and_a_device_is_never_replaced(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    whole_file.write(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_bytes() == b"content"
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="no file is in its place"):
            whole_file.write(place, b"content")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
