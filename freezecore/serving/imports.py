"""Reads a selection that a visitor pasted or dropped, in a process of its own, and remembers what came of it.

`python -m freezecore.serving.imports text` reads a line with the tree, and then the text, from its standard input.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict
from typing import Any

from freezecore.cache.memory import RecentAnswers
from freezecore.errors import ExportError
from freezecore.importing import Imported, import_rules
from freezecore.importing.imported import Line, Unread
from freezecore.serving import one_answer
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

MOST_ANSWERS = 64
_answers = RecentAnswers(MOST_ANSWERS)


def imported(content: str | bytes, tree: LayerTree) -> Imported:
    """What `import_rules` reads in a text; the same text is read once for a tree, also one that cannot be read.

    Raises:
        FreezeError: nothing in it can be read, or reading it takes too long or too much memory.
    """
    kind = "text" if isinstance(content, str) else "bytes"
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    key = f"{kind} {hashlib.sha256(raw).hexdigest()} {tree.fingerprint}"
    return _answers.answer(key, lambda: _asked(kind, raw, tree))


def _asked(kind: str, raw: bytes, tree: LayerTree) -> Imported:
    question = json.dumps(tree.to_json()).encode() + b"\n" + raw
    found: dict[str, Any] = one_answer.ask("freezecore.serving.imports", kind, question, _too_much())
    found["spec"] = FreezeSpec.parse(found["spec"]) if found["spec"] else None
    found["unread"] = tuple(Unread(**each) for each in found["unread"])
    found["lines"] = tuple(Line(**each) for each in found["lines"])
    fields: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in found.items()}
    return Imported(**fields)


def _too_much() -> ExportError:
    return ExportError(
        "This takes more time or memory than reading a selection is given.", "Paste the lines that freeze."
    )


def _read(kind: str, question: bytes) -> dict:
    line, _, raw = question.partition(b"\n")
    tree = LayerTree.from_json(json.loads(line))
    found = import_rules(raw.decode("utf-8", "surrogatepass") if kind == "text" else raw, tree)
    return {
        **{name: getattr(found, name) for name in ("kind", "missing", "new", "notes", "adapter")},
        "spec": found.rules,
        "mapped": dict(found.mapped),
        "stated": dict(found.stated),
        "unread": [asdict(each) for each in found.unread],
        "lines": [asdict(each) for each in found.lines],
    }


if __name__ == "__main__":
    one_answer.answer(lambda question: _read(sys.argv[1], question), _too_much())
