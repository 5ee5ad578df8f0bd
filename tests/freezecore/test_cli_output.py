"""Whatever terminal, pipe or disk an answer goes to: no traceback, nothing lost, and nothing that controls it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from freezecore import model_file
from freezecore.cache import store
from freezecore.cli import main
from freezecore.cli.output import printable
from freezecore.tree import Tower
from tests.freezecore.samples import tree_of

ROOT = Path(__file__).parents[2]
NAME = "層.größe→.w\x1b[2J\x9b31m\u202egnp.weight"


@pytest.fixture
def odd(tmp_path) -> str:
    """A model whose names hold letters of many alphabets, and what would clear a terminal."""
    tree = tree_of(NAME, "plain.weight")
    layers = tuple(replace(layer, type="Cläss\x1b]0;title\x07", parameters=6) for layer in tree.layers)
    model_file.write(tmp_path / "model.json", replace(tree, layers=layers, towers=(Tower("odd", ""),)), None)
    return f"file:{tmp_path / 'model.json'}"


def run(*arguments: str, encoding: str = "utf-8", **options) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "freezecore", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, timeout=120, **options)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252", "latin-1", "cp932"])
def test_every_terminal_takes_an_answer_and_json_stays_whole(encoding, odd):
    shown = run("tree", odd, encoding=encoding, capture_output=True)
    assert (shown.returncode, shown.stderr) == (0, b"")
    document = run("tree", odd, "--json", encoding=encoding, capture_output=True)
    assert (document.returncode, document.stderr) == (0, b"")
    names = [parameter["name"] for parameter in json.loads(document.stdout.decode(encoding))["parameters"]]
    assert names == [NAME, "plain.weight"], "escapes in JSON stand for the letters"
    for output in (shown.stdout.decode(encoding), document.stdout.decode(encoding)):
        assert "plain" in output and not set(output) & {"\x1b", "\x07", "\x9b", "\u202e"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is always full")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_where_standard_output_is_full_the_answer_is_on_standard_error(form, odd):
    with open("/dev/full", "wb") as full:
        done = run("tree", odd, *form, stdout=full, stderr=subprocess.PIPE)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert said.startswith("freezecore: standard output cannot be written: No space left on device.")
    assert "plain" in said and "Traceback" not in said and "Exception ignored" not in said
    if form:
        assert json.loads(said.partition("\n")[2])["total"] == 12


@pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX")
@pytest.mark.parametrize(
    ("redirected", "code"),
    [("| head -c 1 >/dev/null", 0), (">&-", 0), ("2>&-", 0), (">&- 2>&-", 0), (">/dev/full 2>/dev/full", 1)],
)
def test_a_pipe_that_closes_or_an_output_that_is_not_there_ends_quietly(redirected, code, odd, tmp_path):
    script = f'set -o pipefail; "{sys.executable}" -m freezecore tree {odd} {redirected}'
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (code, b"")


@pytest.mark.parametrize("command", [["mask"], ["probe", "--data", "shapes", "--steps", "1", "--train-size", "32"]])
def test_standard_output_holds_the_answer_alone_whatever_a_model_s_code_prints(command, tmp_path):
    (tmp_path / "noisy.py").write_text(
        "import os, subprocess, sys\nfrom torch import nn\nprint('by print')\nos.write(1, b'by number\\n')\n"
        "subprocess.run([sys.executable, '-c', 'print(\"by a child\")'])\n"
        "def make(): return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    name, *options = command
    typed = [sys.executable, "-m", "freezecore", name, "py:noisy:make", "--allow-python", "--json", *options]
    done = subprocess.run(typed, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert all(map(json.loads, done.stdout.splitlines())) and done.stdout
    assert {"by print", "by number", "by a child"} <= set(done.stderr.splitlines())


@pytest.mark.skipif(sys.platform != "linux", reason="words of Linux")
@pytest.mark.parametrize("home", ["/dev/null/home", "/proc/home", "blocked/home"])
def test_an_answer_does_not_depend_on_a_cache_and_one_sentence_says_what_could_not_be_kept(
    home, tmp_path, monkeypatch, capsys, caplog
):
    store.tell.cache_clear()
    (tmp_path / "blocked").write_bytes(b"")
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / home))
    assert main(["estimate", "timm:resnet18", "--image-size", "64", "--batch-size", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["peak_bytes"] > 10**8
    told = [record.message for record in caplog.records if record.name == "freezecore"]
    assert told and len(told) == len(set(told)) <= 2, "of trees and of traces, each once"
    assert all("cannot be kept" in text and "Set FREEZE_EXPLORER_HOME" in text for text in told)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "�[31mred�[0m"),  # a name, not a colour of ours
        ("a\tb\nc", "a\tb\nc"),
        ("a\x1b[2Jb", "a�[2Jb"),
        ("a\rb\x08c\x7f", "a�b�c�"),
        ("\x1b[31", "�[31"),
        ("\u2066a\u2069", "�a�"),
    ],
)
def test_of_what_controls_a_terminal_only_colours_are_left(text, shown):
    assert printable(text) == shown
