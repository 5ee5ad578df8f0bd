"""Import: a selection that somebody has as text or file, read, shown line by line, and ticked on request."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from freezecore.errors import FreezeError
from freezecore.importing import Imported
from freezecore.serving.imports import imported

from .. import state
from ..service.import_lines import FEW, is_surprising, read_as, read_lines, use_label
from ..service.selection import ModelSelection, select
from ..text import Words
from . import show_errors
from .glossary import with_terms

LONGEST_PASTED = 400_000
MOST_LINES = 200
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
    file = state.dropped_file("w_import_file")
    if file is None:
        _pasted()
        return
    state.fill("w_import", "")  # below stands what the file says, and the text would seem to be it
    state.notes(NOTES).update(content=file.getvalue())


def _shown(found: Imported, selection: ModelSelection, words: Words) -> None:
    rules = found.adapted_rules or found.rules
    line, use = st.columns([3, 2], vertical_alignment="center")
    with line:
        st.markdown(read_as(found, selection, words))
    use.button(
        use_label(found, words), key="import_use", type="primary", icon=":material/check_box:", width="stretch",
        on_click=_use, args=(rules, found.adapter), disabled=rules == selection.rules and not found.adapter,
    )  # fmt: skip
    for kind, lines in read_lines(found, words).items():
        _lines(kind, lines, words)
    if found.adapter:
        st.caption(words("import.adapter"))
        st.code(found.adapter.replace("; ", "\n"), language=None, wrap_lines=True)
    st.code(rules.replace("; ", "\n"), language=None, height="content" if len(rules) < 400 else 160)


def _lines(kind: str, lines: Sequence[str], words: Words) -> None:
    """One heap of lines, open where a person should look at it before using the rest."""
    if not lines:
        return
    icon = ICONS.get(kind, ":material/warning:")
    with st.expander(words(f"import.{kind}", count=len(lines)), expanded=is_surprising(kind, lines), icon=icon):
        st.caption(words(f"import.{kind}_why"))
        shown = "\n".join(lines[:MOST_LINES])
        more = "\n…" if len(lines) > MOST_LINES else ""
        height = "content" if len(lines) <= FEW else 160
        st.code(shown + more, language=None, height=height, wrap_lines=True)


@show_errors.acting
def _use(rules: str, adapter: str) -> None:
    if adapter:
        state.change(adapter=adapter)
    state.write_rules(rules)
    st.rerun()
