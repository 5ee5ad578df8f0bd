"""YAML text: scalars as they may stand in generated configuration, whatever is in them."""

from __future__ import annotations

import re

PLAIN = re.compile(r"[A-Za-z_./~][\w./-]*(?: [\w./-]+)*", re.ASCII)
RESERVED = {"true", "false", "yes", "no", "on", "off", "null", "~", "y", "n"}


def scalar(text: str) -> str:
    """The text as one YAML scalar: plain where that is safe, else quoted."""
    if PLAIN.fullmatch(text) and text.lower() not in RESERVED:
        return text
    if text.isprintable() and text.isascii():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(ch: str) -> str:
    if ch in '"\\':
        return "\\" + ch
    if ch.isprintable():
        return ch
    return f"\\x{ord(ch):02x}" if ord(ch) < 256 else f"\\u{ord(ch):04x}" if ord(ch) < 65536 else f"\\U{ord(ch):08x}"
