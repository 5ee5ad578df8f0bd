"""What a registry would get, in an empty environment without a checkout."""

import json
import re
import sys
import tarfile
import tomllib
import zipfile
from functools import partial

import pytest

from freezecore.cli import COMMANDS
from freezecore.errors import LIBRARIES
from freezecore.runtime import OLDEST
from tests.freezecore.test_missing_libraries import COMMANDS as TYPED
from tests.package.conftest import ROOT, run

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NEEDS = r"freezecore: This needs [\w-]+, which is not installed.\n  pip install 'freeze-explorer\[{}\]'\n"
EACH = """
import json, sys
from freezecore.cli import main
for command in json.loads(sys.argv[1]):
    print("$", main(command), file=sys.stderr)
"""
DEARER = (("3.11", "*.whl"), ("3.13", "*.whl"), ("3.13", "*.tar.gz"))
MORE = [pytest.param(*each, marks=pytest.mark.slow) for each in DEARER]
RULES = ("--rules", "freeze all; train head")


def ranges(listed: list[str]) -> dict[str, str]:
    """The range of each library in such a list, by its name."""
    names = {text: re.match(r"[\w.-]+", text)[0] for text in listed}
    return {name: text.removeprefix(name) for text, name in names.items()}


def test_both_archives_say_of_themselves_what_a_registry_shows(built):
    run(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir(), folder=built)


def test_the_wheel_holds_every_file_of_both_packages_and_nothing_else(built):
    (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
    here = {
        f"{name}/{file.relative_to(ROOT / folder)}"
        for folder, name in (("freezecore", "freezecore"), ("app", "freeze_explorer"))
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == here
    with tarfile.open(source) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    sources = {name.replace("freeze_explorer/", "app/", 1) for name in here}
    assert {"pyproject.toml", "setup.py", "README.md", "LICENSE", *sources} <= packed


@pytest.mark.parametrize(("version", "archive"), [("3.12", "*.whl"), *MORE])
def test_kept_files_are_read_priced_exported_and_checked_without_torch(version, archive, environment, kept):
    freezecore = environment(version, archive) / "freezecore"
    answer = partial(run, freezecore, folder=kept)
    assert all(name in answer("--help").stdout for name in COMMANDS)
    assert json.loads(answer("mask", "file:model.json", *RULES, "--json").stdout)["trainable"] == 18
    priced = json.loads(answer("estimate", "file:model.json", *RULES, "--json").stdout)
    assert priced["peak_bytes"] > 0
    code = answer("export", "file:model.json", *RULES).stdout
    compile(code, "exported", "exec")
    assert answer("check", "spec.yaml", "--source", "file:model.json").stdout == "the same set\n"
    assert "torch" not in run(environment(version, archive) / "pip", "list", folder=kept).stdout


def test_every_other_command_says_in_one_sentence_which_extra_it_needs(environment, kept):
    (kept / "names.txt").write_text("fc.weight\n")
    (kept / "rows.csv").write_text("text,label\n" + "a,b\nc,d\n" * 20)
    commands = [command for command in TYPED[1:] if command[0] != "check"]  # of a kept file it runs
    python = environment("3.12", "*.whl") / "python"
    said = run(python, "-c", EACH, json.dumps(commands), folder=kept).stderr.split("$ 1\n")
    assert len(said) == len(commands) + 1 and said.pop() == ""
    for command, sentence in zip(commands, said, strict=True):
        needed = NEEDS.format("mcp" if command == ["mcp"] else "models")
        assert re.fullmatch(needed, sentence), (command, sentence)


def test_the_page_says_what_it_needs(environment, kept):
    said = run(environment("3.12", "*.whl") / "freeze-explorer", folder=kept, expect=1).stderr
    assert said == "The page needs torch, streamlit, plotly, segno. Install it: pip install 'freeze-explorer[page]'\n"


def test_each_extra_holds_the_libraries_that_are_told_to_be_in_it():
    extras = {"": ranges(PROJECT["dependencies"])}
    extras |= {name: ranges(listed) for name, listed in PROJECT["optional-dependencies"].items()}
    assert {library: extra for library, extra in LIBRARIES.values() if library not in extras[extra]} == {}


def test_what_is_refused_as_too_old_is_what_the_extra_refuses():
    models = ranges(PROJECT["optional-dependencies"]["models"])
    assert {name: models[name].partition(",")[0] for name in OLDEST} == {n: f">={least}" for n, least in OLDEST.items()}
