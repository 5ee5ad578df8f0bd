"""The locks: they hold what the pins say, each file by its hash, and name no place to take it from."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pins(file: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall((ROOT / file).read_text()):
        found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(version)
    return found


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_holds_every_pin(name):
    locked = pins(f"{name}.lock")
    assert len(locked) > len(pins(f"{name}.txt")) > 5
    assert {library: locked.get(library) for library in pins(f"{name}.txt")} == pins(f"{name}.txt")


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_each_locked_library_is_known_by_its_hashes_alone(name):
    text = (ROOT / f"{name}.lock").read_text()
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.fullmatch(r"\S+==\S+(?: ; [^\\]+)? \\(?:\s+--hash=sha256:[0-9a-f]{64}(?: \\)?)+", entry), entry[:80]


def test_what_both_locks_hold_is_of_one_version():
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: run[name] for name in run.keys() & dev} == {name: dev[name] for name in run.keys() & dev}
