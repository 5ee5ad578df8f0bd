"""What the selection means: findings, worst first, each with the rule that mends it one click away."""

from __future__ import annotations

import streamlit as st

from freezecore._review import Finding

from .. import state
from ..service.findings import findings_of, mended_by
from ..service.selection import ModelSelection, select
from ..text import Words
from . import show_errors
from .glossary import with_terms

ICONS = {"error": ":material/error:", "warning": ":material/warning:", "note": ":material/info:"}
MOST = 12


def findings(words: Words) -> None:
    """The list; an empty one says so."""
    selection = select(state.link())
    found = findings_of(selection)
    if not found:
        st.success(words("findings.none"), icon=":material/check_circle:")
    for number, finding in enumerate(found[:MOST]):
        _one(number, finding, selection, words)


def _one(number: int, finding: Finding, selection: ModelSelection, words: Words) -> None:
    message = words.said(finding.message)
    with st.container(
        horizontal=True, vertical_alignment="center", border=True, gap="small", key=f"line_finding_{number}"
    ):
        st.markdown(f"{ICONS[finding.severity]} **{words('severity.' + finding.severity)}**", width="content")
        with_terms(message, words, f"finding-{number}")
        if finding.fix:
            st.button(
                words("findings.fix"),
                key=f"fix_{number}",
                help=f"`{finding.fix}`",
                on_click=_apply_fix,
                args=(finding.fix, selection),
            )


@show_errors.acting
def _apply_fix(fix: str, selection: ModelSelection) -> None:
    state.write_rules(mended_by(fix, selection))
    st.rerun()
