"""Pasted Python as rules: what the process that ran it answered, with each line's part in it."""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from dataclasses import replace

from freezecore.errors import ExportError, did_you_mean, shortened
from freezecore.importing import isolated
from freezecore.importing.imported import Imported, Line, Unread, spec_of
from freezecore.spec import FreezeSpec, Phase, Rule, Selector
from freezecore.tree import LayerTree

LONGEST = 400_000
ALL = Selector("kind", "all")
ACTS = re.compile(r"requires_grad|\bfreeze\w*\(|\bunfreeze\w*\(|modules_to_save|BackboneFinetuning|make_trainable\(")
STATEMENTS = re.compile(
    r"^\s*(import \w[\w., ]*$|from [\w.]+ import |def \w+\s*\(|class \w+.*:\s*$|async def |for .+ in .+:\s*(#.*)?$)",
    re.MULTILINE,
)
SIGNS = re.compile(
    r"^\s*(@\w|(while|if|with) .+:\s*(#.*)?$|[\w.]+\s*=\s*[\w.]+\(|[\w.]*\b(model|net|learn|trainer)\b[\w.]*\()",
    re.MULTILINE,
)
NAMED = re.compile(r"\s*[-*('\"\[]*[\w.]+['\"]?[\s,:]+\S")
CODE = re.compile(r"[\w\])]\(|\w\s*=\s*")
NEWER = (
    (re.compile(r"^\s*(type \w+.*=|def \w+\[|class \w+\[)", re.MULTILINE), (3, 12)),
    (re.compile(r"\b[tT][\"']"), (3, 14)),
    (re.compile(r"^\s*except \w+, \w", re.MULTILINE), (3, 14)),
    (re.compile(r"f\".*\{[^}]*\"[^}]*\}|f'.*\{[^}]*'[^}]*\}"), (3, 12)),
)
HINT = "Paste rules, a saved spec, names with True or False, or the lines that set requires_grad."
PROBLEMS = {
    "deep": ("This Python is nested too deeply.", "Paste the lines that freeze."),
    "memory": ("This Python takes more memory than it is given.", "Paste the lines that freeze."),
    "failed": ("This Python could not be followed.", "Paste the lines that freeze."),
}


def has_statements(text: str) -> bool:
    """Whether the text has imports, loops or definitions, which nothing but Python has."""
    return STATEMENTS.search(text) is not None


def looks_like_python(text: str) -> bool:
    """Whether the text is statements of Python, and no rules, names or configuration."""
    if has_statements(text):
        return True
    if not SIGNS.search(text) and not (ACTS.search(text) and CODE.search(text)) or _is_names(text):
        return False
    try:
        ast.parse(textwrap.dedent(text[:LONGEST]))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return bool(re.search(r"\.requires_grad\s*=", text))
    return True


def _is_names(text: str) -> bool:
    """Lines such as `fc.weight requires_grad=True`: a name before what sets it."""
    lines = [line for line in text.splitlines() if line.strip()]
    return all(NAMED.match(line) and not re.search(r"=\s*\w+\(|\bfor\b", line) for line in lines)


def read_python(text: str, tree: LayerTree, dropped: int = 0) -> Imported:
    """The selection that a script makes of this tree; `dropped` lines of a notebook were left out before.

    Raises:
        ExportError: it is no Python, too long, takes too much, or does not say what to freeze.
    """
    if len(text) > LONGEST:
        raise ExportError(f"{len(text):,} characters of Python are too many.", "Paste the lines that freeze.")
    text = textwrap.dedent(text)
    answer = isolated.run(text, tree)
    if "problem" in answer:
        raise _refused(answer, text)
    lines = text.splitlines()
    shown = lambda line: lines[line - 1].strip() if 0 < line <= len(lines) else ""  # noqa: E731
    unread = tuple(Unread(line, shown(line), why) for line, why in answer["unread"])
    missing = tuple(answer["missing"])
    if not answer["said"]:
        raise ExportError("Nothing in this text says what to freeze.", _hint(answer, unread, tree))
    notes = list(answer["notes"])
    if dropped:
        notes.append(f"{dropped} lines for the notebook's shell were left out.")
    if answer["unsure"]:
        first = answer["unsure"][0]
        notes.append(f"Of {len(answer['unsure'])} parameters, '{first}' among them, it does not tell what it does.")
    did = tuple(Line(line, shown(line), froze, trained) for line, froze, trained in answer["lines"])
    spec = _spec(tree, answer["phases"])
    return Imported(
        answer["kind"], spec, missing=missing, unread=unread, lines=did, notes=tuple(notes), stated=_stated(answer)
    )


def _stated(answer: dict) -> dict:
    rates = [{"learning_rate": rate, "parameters": len(names), "first": names[0]}
             for rate, names in answer["rates"] if names]  # fmt: skip
    return {**answer["stated"], **({"rates": rates} if len(rates) > 1 else {})}


def _spec(tree: LayerTree, phases: list) -> FreezeSpec:
    """Rules of what trains at first, and again in full from each epoch on that changes it."""
    first = spec_of(tree, phases[0][1])
    later = []
    for epoch, trains in phases[1:]:
        rules = spec_of(tree, trains).rules
        again = () if rules and ALL in rules[0].selectors else (Rule("train", (ALL,)),)
        later.append(Phase(epoch, (*again, *rules)))
    return replace(first, phases=tuple(later)) if later else first


def _refused(answer: dict, text: str) -> ExportError:
    if answer["problem"] in PROBLEMS:
        return ExportError(*PROBLEMS[answer["problem"]])
    if answer["problem"] == "refused":
        return ExportError(f"{answer['why']}.", "Leave that line out, and paste the lines that freeze.")
    now = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for pattern, version in NEWER:
        if sys.version_info[:2] < version and pattern.search(text):
            return ExportError(
                f"Line {answer['line']} is no Python {now}: {answer['why']}.",
                f"It seems to be written for Python {version[0]}.{version[1]} or newer; write that line the older way.",
            )
    return ExportError(f"Line {answer['line']} is no Python: {answer['why']}.", "Paste whole statements.")


def _hint(answer: dict, unread: tuple[Unread, ...], tree: LayerTree) -> str:
    if answer["missing"]:
        name = answer["missing"][0]
        close = did_you_mean(name, tree.index)
        seems = f"It seems to be for '{shortened(answer['built'][0])}'." if answer["built"] else ""
        said = f"Its names are of another model: '{shortened(name)}' is not in this one."
        return " ".join(part for part in (said, seems, close) if part)
    if unread:
        return f"Line {unread[0].line} cannot be read: {unread[0].why}."
    if answer["built"]:
        return f"It builds '{shortened(answer['built'][0])}' and sets nothing on it. {HINT}"
    return HINT
