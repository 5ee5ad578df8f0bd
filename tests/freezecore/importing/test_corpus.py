"""Scripts as people write them, each run by a judge on the real modules: nothing may be wrong in silence."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from freezecore._resolve import resolve
from freezecore.errors import ExportError
from freezecore.importing import import_rules
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource
from tests.freezecore.importing.judge import code_of, judged

CORPUS = sorted((Path(__file__).parents[2] / "data" / "imports" / "corpus").iterdir())
PLACE = re.compile(r"^[\w.-]+/[\w.-]+ \S*\w")  # a repository's owner and name, and a path in it
LAST = 1_000_000


@cache
def opened(kind):
    task = "sequence-classification" if kind == "bert" else "base"
    return read_source(ModelSource.parse(kind) if ":" in kind else ModelSource.parse("config:bert", task=task))


def header_of(text):
    code = code_of(text) if text.startswith("{") else text
    header = dict(re.findall(r"^# (seen|model|read): (.+)$", code, re.MULTILINE))
    return {**header, "framework": "\n".join(re.findall(r"^# framework: (.+)$", code, re.MULTILINE))}


def outcome(text):
    """`same`, `told` or `wrong`, and what differs."""
    header, code = header_of(text), code_of(text) if text.startswith("{") else text
    tree, wanted = opened(header["model"]), judged(code, header["model"], header["read"], header["framework"])
    assert 2 * len(wanted.keys() & {p.name for p in tree.parameters}) > len(tree.parameters)  # else it judges nothing
    try:
        found = import_rules(text, tree)
    except ExportError as error:
        came, told = {p.name: not p.frozen_by_author for p in tree.parameters}, [str(error)]
    else:
        mask = resolve(found.spec, tree, LAST)
        came, told = {p.name: mask[p.name] for p in tree.parameters}, [(u.line, u.why) for u in found.unread]
    differs = [name for name in came if name in wanted and came[name] != wanted[name]]
    if differs:
        return ("told" if told else "wrong"), (differs[:5], told)
    return "told" if told else "same", told


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_nothing_is_wrong_in_silence(file):
    verdict, why = outcome(file.read_text())
    assert verdict != "wrong", why


def test_fifty_scripts_say_in_which_repository_their_shape_was_seen():
    assert sum(bool(PLACE.match(header_of(file.read_text())["seen"])) for file in CORPUS) >= 50


@pytest.mark.slow
def test_nine_of_ten_are_followed_to_the_end():
    verdicts = [outcome(file.read_text())[0] for file in CORPUS]
    assert len(CORPUS) >= 150
    assert verdicts.count("same") >= 0.9 * len(verdicts)
