"""Import: a selection that somebody has as text or file, read, shown line by line, and ticked on request."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from freezecore._resolve import resolve
from freezecore.errors import FreezeError
from freezecore.importing import Imported
from freezecore.mask import Mask
from freezecore.report import count_text, share_text
from freezecore.serving.imports import imported

from .. import state
from ..service.selection import ModelSelection, select
from ..text import Words
from . import show_errors
from .glossary import with_terms

LONGEST_PASTED = 400_000
MOST_LINES = 200
FEW = 8
FILE_MIB = 4
FILE_TYPES = ["txt", "yaml", "yml", "json", "csv", "py", "ipynb", "toml", "md", "log"]
NOTES = "import"
ICONS = {"mapped": ":material/swap_horiz:", "lines": ":material/list:", "notes": ":material/info:"}


def import_selection(words: Words) -> None:
    """The box, the drop zone, and what was read from whichever was filled last."""
    selection = select(state.link())
    state.keep_values(w_import="")
    paste, drop = st.columns([3, 2])
    with paste:
        st.text_area(
            words("import.paste"),
            key="w_import",
            height=130,
            max_chars=LONGEST_PASTED,
            placeholder=words("import.example"),
            help=words("import.help"),
            on_change=_pasted,
        )
        st.button(words("import.read"), key="import_read", on_click=_pasted, icon=":material/search:")
    drop.file_uploader(
        words("import.file"), type=FILE_TYPES, key="w_import_file", on_change=_dropped, max_upload_size=FILE_MIB
    )
    content = state.notes(NOTES).get("content")
    if content is None:
        with_terms(words("import.kinds"), words, "import")
        return
    try:
        found = imported(content, selection.tree)
    except FreezeError as error:
        show_errors.show(error.problem, error.hint)
        return
    _shown(found, selection, words)


@show_errors.acting
def _pasted() -> None:
    text = state.value("w_import") or ""
    state.notes(NOTES).update(content=text if text.strip() else None)


@show_errors.acting
def _dropped() -> None:
    file = state.value("w_import_file")
    state.notes(NOTES).update(content=file.getvalue() if file is not None else None)


def _shown(found: Imported, selection: ModelSelection, words: Words) -> None:
    wanted = resolve(found.spec, selection.tree)
    rules = found.adapted_rules or found.rules
    line, use = st.columns([3, 2], vertical_alignment="center")
    with line:
        st.markdown(_sentence(found, wanted, selection, words))
    left_out = len(found.missing) + len(found.unread)
    label = words("import.use_rest", count=left_out) if left_out else words("import.use")
    use.button(
        label, key="import_use", type="primary", icon=":material/check_box:", width="stretch", on_click=_use,
        args=(rules, found.adapter), disabled=rules == selection.rules and not found.adapter,
    )  # fmt: skip
    unread = [words("import.line", line=u.line, text=u.text, why=words.said(u.why)) for u in found.unread]
    did = [
        words("import.did", line=row.line, text=row.text, froze=row.froze, trained=row.trained) for row in found.lines
    ]
    _lines("lines", did, words)
    _lines("unread", unread, words)
    _lines("notes", [words.said(note) for note in found.notes], words)
    _lines("missing", found.missing, words)
    _lines("new", found.new, words)
    _lines("mapped", [f"{old} → {new}" for old, new in dict(found.mapped).items()], words)
    if found.adapter:
        st.caption(words("import.adapter"))
        st.code(found.adapter.replace("; ", "\n"), language=None, wrap_lines=True)
    st.code(rules.replace("; ", "\n"), language=None, height="content" if len(rules) < 400 else 160)


def _sentence(found: Imported, wanted: Mask, selection: ModelSelection, words: Words) -> str:
    """What it was read as, how much of the model trains under it, and what it would change of the ticks."""
    tree = selection.tree
    pairs = list(zip(wanted.trains, selection.mask.trains, strict=True))
    on, off = sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)
    said = words(
        "import.read_as",
        kind=words(f"import.kind_{found.kind}"),
        weights=count_text(wanted.trainable),
        share=share_text(wanted.trainable / tree.total if tree.total else 0, 1),
    )
    change = words("import.change", on=on, off=off) if on or off else words("import.same")
    return f"{said} {change}"


def _lines(kind: str, lines: Sequence[str], words: Words) -> None:
    """One heap of lines, open where a person should look at it before using the rest."""
    if not lines:
        return
    icon = ICONS.get(kind, ":material/warning:")
    surprising = kind in ("lines", "unread", "missing", "notes") or (kind == "mapped" and len(lines) <= FEW)
    with st.expander(words(f"import.{kind}", count=len(lines)), expanded=surprising, icon=icon):
        st.caption(words(f"import.{kind}_why"))
        shown = "\n".join(lines[:MOST_LINES])
        more = "\n…" if len(lines) > MOST_LINES else ""
        st.code(shown + more, language=None, height="content" if len(lines) <= FEW else 160)


@show_errors.acting
def _use(rules: str, adapter: str) -> None:
    if adapter:
        state.change(adapter=adapter)
    state.write_rules(rules)
    st.rerun()
