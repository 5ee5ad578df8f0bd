"""Free memory, as a machine, a container and a group within one tell it."""

from pathlib import Path

import pytest

from freezecore import machine
from freezecore._estimate.cards import cards_here

GB = 10**9
ROWS = {
    "a machine alone": ({"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:    4000000 kB\n"}, 4_096_000_000),
    "a container of version 2": (
        {
            "proc/meminfo": "MemAvailable: 4000000 kB\n",
            "sys/fs/cgroup/memory.max": f"{2 * GB}\n",
            "sys/fs/cgroup/memory.current": f"{GB}\n",
            "sys/fs/cgroup/memory.stat": f"anon 7\ninactive_file {GB // 2}\n",
        },
        GB + GB // 2,
    ),
    "a container without a limit": (
        {
            "proc/meminfo": "MemAvailable: 4000000 kB\n",
            "sys/fs/cgroup/memory.max": "max\n",
            "sys/fs/cgroup/memory.current": f"{GB}\n",
        },
        4_096_000_000,
    ),
    "a container of version 1": (
        {
            "proc/meminfo": "MemAvailable: 4000000 kB\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GB}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GB}\n",
            "sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {GB // 4}\n",
        },
        GB + GB // 4,
    ),
    "a service's own group": (
        {
            "proc/meminfo": "MemAvailable: 4000000 kB\n",
            "proc/self/cgroup": "0::/a.slice/b.service\n",
            "sys/fs/cgroup/a.slice/memory.max": f"{GB}\n",
            "sys/fs/cgroup/a.slice/memory.current": f"{GB // 5}\n",
            "sys/fs/cgroup/a.slice/b.service/memory.max": "max\n",
            "sys/fs/cgroup/a.slice/b.service/memory.current": "1\n",
        },
        GB - GB // 5,
    ),
    "a container over its limit": (
        {"sys/fs/cgroup/memory.max": f"{GB}\n", "sys/fs/cgroup/memory.current": f"{GB + 1}\n"},
        0,
    ),
}


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Puts files where the system's would be."""
    monkeypatch.setattr(machine, "ROOT", tmp_path)

    def write(files: dict[str, str]) -> None:
        for name, text in files.items():
            path = Path(tmp_path / name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


@pytest.mark.parametrize("row", ROWS)
def test_free_memory_is_the_least_that_anyone_around_leaves(row, system):
    files, free = ROWS[row]
    system(files)
    assert machine.free_bytes() == free


def test_where_nothing_is_told_free_memory_is_that_of_the_machine_or_unknown(system, monkeypatch):
    assert machine.free_bytes() > GB
    monkeypatch.delattr("os.sysconf")
    assert machine.free_bytes() is None


def test_graphics_cards_are_counted_by_their_devices(system):
    assert machine.gpu_count() == 0
    system({"dev/nvidia0": "", "dev/nvidia1": "", "dev/nvidiactl": ""})
    assert machine.gpu_count() == 2


def test_a_card_of_this_machine_is_what_its_driver_prints(tmp_path, monkeypatch):
    machine.gpus.cache_clear()
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771, 612, 9.0'\necho 'Tesla T4, 15360, 449, 7.5'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    try:
        h200, t4 = cards_here()
    finally:
        machine.gpus.cache_clear()
    assert (h200.name, h200.usable_bytes, h200.native_bf16) == ("NVIDIA H200 (this machine)", 143_159 * 2**20, True)
    assert (t4.usable_bytes, t4.native_bf16, t4.present) == (14_911 * 2**20, False, True)
