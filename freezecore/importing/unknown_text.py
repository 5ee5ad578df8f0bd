"""An unknown text made safe: its size, its encoding, its YAML or JSON, and what is no text of ours at all."""

from __future__ import annotations

import json
import re
import tomllib

from freezecore.errors import ExportError
from freezecore.importing.configurations import READERS
from freezecore.sentences import say
from freezecore.yaml_text import read_yaml

LARGEST = 4 * 2**20
MAGIC = {
    b"\x80": say("a pickle, which could run code when it is opened"),
    b"PK": say("a zip archive, such as a PyTorch checkpoint"),
    b"\x89PNG": say("a picture"),
    b"%PDF": say("a PDF"),
    b"\x1f\x8b": say("a compressed file"),
    b"GGUF": say("a weights file"),
}


def as_text(content: str | bytes) -> str:
    """The text of a file's content.

    Raises:
        ExportError: it is too large, or no text.
    """
    if len(content) > LARGEST:
        raise ExportError(
            "{count:,} bytes are too many for a selection; {most:,} are the most that is read.",
            "Name whole modules instead of single parameters.",
            count=len(content),
            most=LARGEST,
        )
    if isinstance(content, bytes):
        for magic, what in MAGIC.items():
            if content.startswith(magic):
                raise ExportError(
                    "This is {what}, and no selection.", "Save the selection as a spec, or as text.", what=what
                )
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ExportError("This is no text in UTF-8.", "Save it as UTF-8, or paste it.") from None
    if "\x00" in content:
        raise ExportError("This is a binary file, and no selection.", "Save the selection as a spec, or as text.")
    return content


def refuse_foreign(text: str) -> None:
    """Refuse what is empty.

    Raises:
        ExportError: one sentence on what it is.
    """
    if not text.strip():
        raise ExportError("The text is empty.", "Paste rules, a saved spec, or names with True or False.")


def mapping_in(text: str) -> dict | None:
    """The text as a mapping, where it is YAML or JSON that has one at its top; None where it is something else.

    Raises:
        ExportError: it is broken YAML or JSON, nested too deeply, or uses aliases.
    """
    if text.lstrip().startswith("{"):
        return _json(text)
    if (toml := _toml(text)) is not None:
        return toml
    if not any(": " in line or line.rstrip().endswith(":") for line in text.splitlines()[:400]):
        return None
    try:
        found = read_yaml(text)
    except ExportError:
        if _has_key(text):
            raise
        return None
    return found if isinstance(found, dict) and all(_is_key(key) for key in found) else None


def _is_key(key: object) -> bool:
    """Whether it is a configuration's key: a name with dots is a parameter's."""
    return isinstance(key, str) and "." not in key and " " not in key


def _has_key(text: str) -> bool:
    return any(line.split(":")[0].strip() in KEYS for line in text.splitlines() if ":" in line)


KEYS = {"rules", "finetuning_type", *(key for keys, *_ in READERS for key in keys)}


def _toml(text: str) -> dict | None:
    """The text as TOML, where it is that and has a key that says what to freeze."""
    if not any(re.match(rf"\s*{key}\s*=", line) for line in text.splitlines() for key in KEYS if key in line):
        return None
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _json(text: str) -> dict | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ExportError("This JSON cannot be read.", "It may be cut off; save it again.") from None
    return found if isinstance(found, dict) else None
