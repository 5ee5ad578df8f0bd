"""What was read in a text that somebody has, as texts: a sentence, and heaps of lines."""

from __future__ import annotations

from collections.abc import Sequence

from freezecore._resolve import resolve
from freezecore.importing import Imported
from freezecore.report import count_text, share_text

from ..text import Words
from .selection import ModelSelection

FEW = 8


def read_as(found: Imported, selection: ModelSelection, words: Words) -> str:
    """What it was read as, how much of the model trains under it, and what it would change of the ticks."""
    tree, wanted = selection.tree, resolve(found.spec, selection.tree)
    pairs = list(zip(wanted.trains, selection.mask.trains, strict=True))
    on, off = sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)
    said = words(
        "import.read_as",
        kind=words(f"import.kind_{found.kind}"),
        weights=count_text(wanted.trainable),
        share=share_text(wanted.trainable / tree.total if tree.total else 0, 1),
    )
    change = words("import.change", on=on, off=off) if on or off else words("import.same")
    return words.together(said, change)


def use_label(found: Imported, words: Words) -> str:
    """What the button says that ticks it."""
    left_out = len(found.missing) + len(found.unread)
    return words("import.use_rest", count=left_out) if left_out else words("import.use")


def read_lines(found: Imported, words: Words) -> dict[str, Sequence[str]]:
    """Lines by their kind, in the order in which a person should look at them."""
    return {
        "lines": [
            words("import.did", line=row.line, text=row.text, froze=row.froze, trained=row.trained)
            for row in found.lines
        ],
        "unread": [words("import.line", line=u.line, text=u.text, why=words.said(u.why)) for u in found.unread],
        "notes": [words.said(note) for note in found.notes],
        "missing": found.missing,
        "new": found.new,
        "mapped": [f"{old} → {new}" for old, new in dict(found.mapped).items()],
    }


def is_surprising(kind: str, lines: Sequence[str]) -> bool:
    """Whether a person should look at these before using the rest."""
    return kind in ("lines", "unread", "missing", "notes") or (kind == "mapped" and len(lines) <= FEW)
