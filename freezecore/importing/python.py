"""Pasted Python as rules: what the process that ran it answered, with each line's part in it."""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import replace

from freezecore._resolve import resolve
from freezecore.adapter_targets import base_of
from freezecore.errors import ExportError
from freezecore.importing import isolated
from freezecore.importing.adapters import adapter_text
from freezecore.importing.imported import Imported, Line, Unread, hint_for, spec_of
from freezecore.importing.notebooks import LONGEST, is_python
from freezecore.sentences import joined, say
from freezecore.spec import FreezeSpec, Phase, Rule, Selector
from freezecore.tree import LayerTree

ALL = Selector("kind", "all")
FREEZING_CODE = re.compile(
    r"requires_grad|\bfreeze\w*\(|\bunfreeze\w*\(|modules_to_save|BackboneFinetuning|make_trainable\("
    r"|get_peft_model\(|LoraConfig\("
)
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
PROBLEMS = {
    "deep": say("This Python is nested too deeply."),
    "memory": say("This Python takes more memory than it is given."),
    "failed": say("This Python could not be followed."),
}


def has_statements(text: str) -> bool:
    """Whether the text has imports, loops or definitions, which nothing but Python has."""
    return STATEMENTS.search(text) is not None


def looks_like_python(text: str) -> bool:
    """Whether the text is statements of Python, and no rules, names or configuration."""
    if has_statements(text):
        return True
    if not SIGNS.search(text) and not (FREEZING_CODE.search(text) and CODE.search(text)) or _is_names(text):
        return False
    return is_python(text[:LONGEST]) or re.search(r"\.requires_grad\s*=", text) is not None


def _is_names(text: str) -> bool:
    """Lines such as `fc.weight requires_grad=True`: a name before what sets it."""
    lines = [line for line in text.splitlines() if line.strip()]
    return all(NAMED.match(line) and not re.search(r"=\s*[\w.]+\(|\bfor\b", line) for line in lines)


def read_python(text: str, tree: LayerTree, dropped: int = 0) -> Imported:
    """The selection that a script makes of this tree; `dropped` lines of a notebook were left out before.

    Raises:
        ExportError: it is no Python, too long, takes too much, or does not say what to freeze.
    """
    if len(text) > LONGEST:
        raise ExportError(
            "{count:,} characters of Python are too many.", "Paste the lines that freeze.", count=len(text)
        )
    text, tree = textwrap.dedent(text), base_of(tree)
    answer = isolated.run(text, tree)
    if "problem" in answer:
        raise _refused(answer, text)
    lines = text.splitlines()
    shown = lambda line: lines[line - 1].strip() if 0 < line <= len(lines) else ""  # noqa: E731
    unread = tuple(Unread(line, shown(line), why) for line, why in answer["unread"])
    missing = tuple(answer["missing"])
    if not answer["said"]:
        raise ExportError(
            "What this text freezes could not be followed."
            if unread and not missing
            else "Nothing in this text says what to freeze.",
            joined([hint_for(missing, unread, tree, answer["built"]), *answer["notes"]], " "),
        )
    notes = list(answer["notes"])
    if dropped:
        notes.append(say("{count} lines for the notebook's shell were left out.", count=dropped))
    if answer["unsure"]:
        count, name = len(answer["unsure"]), answer["unsure"][0]
        notes.append(
            say("Of {count} parameters, '{name}' among them, it does not tell what it does.", count=count, name=name)
        )
    did = tuple(Line(line, shown(line), froze, trained) for line, froze, trained in answer["lines"])
    spec = _spec(tree, answer["phases"])
    if answer["kind"] == "python" and ".eval(" not in text and (count := len(resolve(spec, tree).norms_held)):
        notes.append(
            say(
                "Of {count} norms without a training weight the statistics stand still here; a loop that calls "
                "model.train() lets them move: `norms update` does as it does.",
                count=count,
            )
        )
    return Imported(
        answer["kind"], spec, missing=missing, unread=unread, lines=did, notes=tuple(notes), stated=_stated(answer),
        adapter=adapter_text(answer["adapters"], tree, answer["tokens"]),
    )  # fmt: skip


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
        return ExportError(PROBLEMS[answer["problem"]], "Paste the lines that freeze.")
    if answer["problem"] == "refused":
        return ExportError("{why}.", "Leave that line out, and paste the lines that freeze.", why=answer["why"])
    now = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for pattern, version in NEWER:
        if sys.version_info[:2] < version and pattern.search(text):
            return ExportError(
                "Line {line} is no Python {here}: {why}.",
                "It seems to be written for Python {version} or newer; write that line the older way.",
                line=answer["line"],
                here=now,
                why=answer["why"],
                version=".".join(map(str, version)),
            )
    return ExportError(
        "Line {line} is no Python: {why}.", "Paste whole statements.", line=answer["line"], why=answer["why"]
    )
