"""Other libraries' logs, which would stand between our sentences: told to be still for a while."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(name: str, below: int = logging.CRITICAL) -> Iterator[None]:
    """Let the logger of this name tell nothing below a level."""
    log = logging.getLogger(name)
    level = log.level
    log.setLevel(below)
    try:
        yield
    finally:
        log.setLevel(level)


@contextmanager
def hub_quiet() -> Iterator[None]:
    """Let the Hub's libraries not tell each of their tries: that it cannot be reached is said in a sentence of ours."""
    with quiet("huggingface_hub"), quiet("datasets"):
        yield
