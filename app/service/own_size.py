"""What an empty input size takes, as the number that it is."""

from __future__ import annotations

from ..link import Link
from ..text import Words
from .pricing import own_pixels, own_tokens


def own_size_text(link: Link, words: Words) -> str:
    """A text model's tokens or a picture model's pixels, once its step has been traced; else that it has its own."""
    if tokens := own_tokens(link):
        return words("top.tokens", count=tokens)
    if pixels := own_pixels(link):
        return words("top.pixels", count=pixels)
    return words("top.own")
