"""A model of one's own: a file that `fc.save` wrote, or a Hugging Face `config.json`, dropped on the page."""

from __future__ import annotations

import streamlit as st

from .. import state
from ..service import belongings, gallery, uploads
from ..text import Words
from . import show_errors

SORT = "model"
POPOVER = "own_model"  # open or closed


def upload(words: Words) -> None:
    """A button that opens the drop zone and what was dropped before; what arrives opens at once."""
    with st.popover(
        words("upload.label"), icon=":material/upload_file:", type="tertiary", key=POPOVER, on_change="rerun"
    ):
        _drop_zone(words)
        st.caption(words("upload.help"))
        for place, source in enumerate(reversed(belongings.of(state.owner(), SORT))):
            st.button(
                show_errors.plain(gallery.name_of(source)), key=f"own_{place}", on_click=_open, args=(source,),
                disabled=source == state.link().model, width="stretch",
            )  # fmt: skip


def _drop_zone(words: Words) -> None:
    st.file_uploader(
        words("upload.label"),
        type=["json", "py"],  # a script is answered in words, where Streamlit's own refusal is a red mark
        key="w_upload",
        on_change=_file_dropped,
        max_upload_size=uploads.LARGEST_MODEL_MIB,
    )
    if state.value("w_upload") is not None and (refused := state.message()):
        show_errors.show(*refused)  # what is told above the page lies behind this on a phone


@show_errors.acting
def _file_dropped() -> None:
    file = state.dropped_file("w_upload")
    if file is not None:
        source = uploads.keep_model(file.getvalue(), file.name)
        belongings.add(state.owner(), SORT, source)
        _show(source)


@show_errors.acting
def _open(source: str) -> None:
    _show(source)


def _show(source: str) -> None:
    """Open the model, and close what lies over its numbers."""
    state.fill(POPOVER, False)
    state.open_model(source)
