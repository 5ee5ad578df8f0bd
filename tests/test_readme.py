"""The README stays true: its Python runs, its commands are known, its links and pictures exist."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from freezecore.cli import parser
from tests.readme_exports import MARKED, filled, printed

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(?:\$ |    )(freezecore .*)$", TEXT, re.MULTILINE)
EXPORTS = [match.group(0, 2, 3) for match in MARKED.finditer(TEXT)]
LINKS = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_python_runs_in_order_and_prints_what_stands_below_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in blocks("python"):
            exec(compile(block, "README.md", "exec"), {})
    assert blocks("text")[0] in printed.getvalue()


@pytest.mark.parametrize(("command", "shown"), [match[1:3] for match in EXPORTS])
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
    options = parser().parse_args(shlex.split(command, comments=True)[1:])
    assert callable(options.gather)


def test_there_are_commands_and_links_to_check():
    assert len(COMMANDS) > 10
    assert "docs/explore-en.png" in LINKS


@pytest.mark.parametrize("link", LINKS)
def test_each_link_leads_somewhere(link):
    assert (ROOT / link).exists()


def test_nothing_is_left_to_fill_in():
    assert "@@" not in TEXT
