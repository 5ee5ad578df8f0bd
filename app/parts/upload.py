"""A model of one's own: a file that `fc.save` wrote, or a Hugging Face `config.json`, dropped on the page."""

from __future__ import annotations

import hashlib
import json

import streamlit as st

from app import state
from app.parts import show_errors
from app.text import Words
from freezecore import model_file
from freezecore.errors import SourceError
from freezecore.serving import access

LARGEST = 20 * 2**20
MOST_FILES = 200


def upload(words: Words) -> None:
    """The drop zone; what arrives opens at once and behaves like any model of the gallery."""
    st.file_uploader(
        words("upload.label"),
        type=["json"],
        key="w_upload",
        on_change=_arrived,
        help=words("upload.help"),
        max_upload_size=20,
    )


@show_errors.acting
def _arrived() -> None:
    file = state.value("w_upload")
    if file is not None:
        content = file.getvalue()
        state.open_model(_kept(content, file.name))


def _kept(content: bytes, name: str) -> str:
    """Keep an uploaded file under an unguessable name; the source that opens it.

    Raises:
        SourceError: it is neither a model file nor a configuration.
    """
    if len(content) > LARGEST:
        raise SourceError(
            "'{name}' is larger than {most} MiB.",
            "Save it with a smaller batch.",
            name=name[:80],
            most=LARGEST // 2**20,
        )
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise SourceError("'{name}' is no JSON file.", "Drop a model.json or a config.json.", name=name[:80]) from None
    if isinstance(data, dict) and isinstance(data.get("model_type"), str):
        scheme = "config"
    else:
        model_file.loads(content, name)
        scheme = "file"
    folder = access.uploads()
    folder.mkdir(parents=True, exist_ok=True)
    _forget_oldest(folder)
    path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}.json"
    path.write_bytes(content)
    return f"{scheme}:{path}"


def _forget_oldest(folder) -> None:
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
    for file in files[: max(0, len(files) - MOST_FILES)]:
        file.unlink(missing_ok=True)
