"""A row of samples as HTML: small pictures or beginnings of texts, each with a line below."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from app.text import Words


def gallery_html(samples: Sequence[tuple[str | None, str | None, str]], words: Words) -> str:
    """Pictures (`data:` addresses) or texts with captions.

    Args:
        samples: picture, text, and caption; the caption is HTML and already escaped.
    """
    items = []
    for picture, text, caption in samples:
        if picture and picture.startswith("data:image/"):
            body = f'<img src="{escape(picture)}" alt="{escape(words("samples.picture"))}">'
        else:
            body = f"<blockquote>{escape(text or '')}</blockquote>"
        items.append(f"<li>{body}<span>{caption}</span></li>")
    look = "pictures" if any(picture for picture, _, _ in samples) else "texts"
    return f'<ul class="samples {look}">{"".join(items)}</ul>'
