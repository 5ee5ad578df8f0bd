"""A model of one's own: a file that `fc.save` wrote, or a Hugging Face `config.json`, dropped on the page."""

from __future__ import annotations

import streamlit as st

from app import state
from app.parts import show_errors
from app.service import uploads
from app.text import Words


def upload(words: Words) -> None:
    """The drop zone; what arrives opens at once and behaves like any model of the gallery."""
    st.file_uploader(
        words("upload.label"),
        type=["json"],
        key="w_upload",
        on_change=_file_dropped,
        help=words("upload.help"),
        max_upload_size=uploads.LARGEST_MODEL_MIB,
    )


@show_errors.acting
def _file_dropped() -> None:
    file = state.value("w_upload")
    if file is not None:
        state.open_model(uploads.keep_model(file.getvalue(), file.name))
