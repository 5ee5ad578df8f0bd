"""The documents stay true: their Python runs, their commands are known, their links and pictures exist."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from freezecore.cli import parser
from tests.shown_exports import MARKED, filled, printed

ROOT = Path(__file__).parents[1]
FILES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in FILES}
COMMANDS = sorted(
    {
        command
        for text in TEXTS.values()
        for command in re.findall(r"^(?:\$ |    )(freezecore .*)$", text, re.MULTILINE)
        + re.findall(r"`(freezecore [a-z]+(?: [^`…]+))`", text)
        if not re.search(r"\b[A-Z]{4,}\b", command)  # a pattern, such as `freezecore check SPEC`
    }
)
EXPORTS = [match.group(2, 3) for text in TEXTS.values() for match in MARKED.finditer(text)]
LINKS = [
    (name, link) for name, text in TEXTS.items() for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link
]
PATH = re.compile(r"`((?:freezecore|app|tests)/[\w/.]+)`")
PATHS = sorted({path for text in TEXTS.values() for path in PATH.findall(text) if "NAME" not in path})


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXTS[name], re.DOTALL)


@pytest.mark.parametrize("name", [name for name in TEXTS if blocks(name, "python")])
def test_the_python_runs_in_order_and_prints_what_stands_below_it(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in blocks(name, "python"):
            exec(compile(block, name, "exec"), {})
    if name == "README.md":
        assert blocks(name, "text")[0] in printed.getvalue()


@pytest.mark.parametrize(("command", "shown"), EXPORTS)
def test_each_export_stands_there_as_it_comes_out(command, shown):
    assert printed(command) == shown


def test_an_export_is_written_below_its_command():
    command = 'freezecore export timm:resnet18 --rules "freeze all; train head"'
    before = f"before\n\n<!-- {command} -->\n```py\nstale\n```\nafter\n"
    after = filled(before)
    assert "stale" not in after
    assert '\nmodel = timm.create_model("resnet18", pretrained=True)\n' in after
    assert filled(after) == after


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_one_that_the_command_line_knows(command):
    options = parser().parse_args(shlex.split(command.partition(" > ")[0], comments=True)[1:])
    assert callable(options.gather)


def test_there_are_commands_exports_and_links_to_check():
    assert len(COMMANDS) > 10
    assert len(EXPORTS) == 5
    assert ("README.md", "docs/pictures/explore-en.png") in LINKS


@pytest.mark.parametrize(("name", "link"), LINKS)
def test_each_link_leads_somewhere(name, link):
    assert ((ROOT / name).parent / link).exists()


@pytest.mark.parametrize("path", PATHS)
def test_each_file_that_a_document_names_is_there(path):
    assert (ROOT / path).exists()


def test_the_type_checker_reads_every_line_of_python_in_the_readme():
    checked = (ROOT / "tests" / "user_script.py").read_text(encoding="utf-8").splitlines()
    assert [line for block in blocks("README.md", "python") for line in block.splitlines() if line not in checked] == []


def test_nothing_is_left_to_fill_in():
    assert not [name for name, text in TEXTS.items() if "@@" in text]


def test_the_readme_is_an_invitation():
    assert TEXTS["README.md"].count("\n") <= 140
