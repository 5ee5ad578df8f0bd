"""Ticks as a short text: one bit per parameter, eight to a byte from the lowest up, in base64 that fits a link."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence


def encode(trains: Sequence[bool]) -> str:
    """The text of these truth values; a sixth as many characters."""
    packed = bytearray((len(trains) + 7) // 8)
    for i, value in enumerate(trains):
        if value:
            packed[i >> 3] |= 1 << (i & 7)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def decode(text: object, count: int) -> tuple[bool, ...] | None:
    """`count` truth values from what a browser sent; None for anything that `encode` would not have written."""
    size = (count + 7) // 8
    if not isinstance(text, str) or len(text) != (size * 4 + 2) // 3 or not text.isascii():
        return None
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    trains = tuple(bool(packed[i >> 3] >> (i & 7) & 1) for i in range(count))
    return trains if encode(trains) == text else None
