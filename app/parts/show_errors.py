"""Faults become sentences: no traceback reaches the page, and every one reaches the log."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from freezecore.errors import FreezeError

from .. import state

log = logging.getLogger("freeze_explorer")


@contextmanager
def telling() -> Iterator[None]:
    """Show what goes wrong inside as a sentence and a hint, and let the rest of the page stand."""
    try:
        yield
    except FreezeError as error:
        show(error.problem, error.hint)
    except Exception:  # the page's outermost boundary: logged whole, told in a sentence
        log.exception("a part of the page failed")
        words = state.words()
        show(words("fault.unknown"), words("fault.unknown_hint"))


def told(draw: Callable) -> Callable:
    """A drawing function whose faults are sentences."""

    @functools.wraps(draw)
    def drawn(*arguments, **options):
        with telling():
            return draw(*arguments, **options)

    return drawn


def acting(act: Callable) -> Callable:
    """A widget's callback whose faults are told at the next drawing."""

    @functools.wraps(act)
    def acted(*arguments, **options):
        state.forget_messages()
        try:
            return act(*arguments, **options)
        except FreezeError as error:
            state.leave_message(error.problem, error.hint)
        except Exception:  # a callback is a boundary too
            log.exception("an action on the page failed")
            words = state.words()
            state.leave_message(words("fault.unknown"), words("fault.unknown_hint"))

    return acted


def show(problem: str, hint: str = "") -> None:
    """A sentence of what happened and one of what to do; both are plain text, never Markdown."""
    st.error(said(problem) + ("\n\n" + said(hint) if hint else ""), icon=":material/error:")


def said(text: str) -> str:
    """A sentence of freezecore's in the visitor's language, as plain text."""
    return plain(state.words().said(text))


LINK_BEGINS = re.compile(r"https?:(?=//)|www(?=\.)|@", re.IGNORECASE)


def plain(text: str) -> str:
    """Text in which Markdown has no meaning: a person's own value may hold anything.

    Addresses become links after Markdown has been read, so that no escape stops them: a word joiner, which nobody
    sees, does.
    """
    text = LINK_BEGINS.sub("\\g<0>\u2060", text)
    return "".join("\\" + ch if ch in "\\`*_{}[]<>()#+-.!|~$:&" else ch for ch in text)


def left_behind(words) -> None:
    """What a callback or the visitor's link left to be told, until the visitor goes on."""
    if sentence := state.message():
        show(*sentence)
    if ignored := state.ignored():
        st.info(words("link.ignored", fields=", ".join(plain(name) for name in ignored[:8])))
