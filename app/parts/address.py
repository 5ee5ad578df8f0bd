"""The link to the page as it stands: kept in the address bar, and copied by a button beside each page's title."""

from __future__ import annotations

import streamlit as st

from .. import state
from ..components.copy_link import address_part, copy_link
from ..components.messages import feed
from .language import language_box
from .measured_under import shared_link


def copy_button() -> None:
    """Draw the button that copies the link."""
    words = state.words()
    texts = {"label": words("link.copy"), "copied": words("link.copied"), "refused": words("link.refused")}
    copy_link(texts, words.lang)


def link_part() -> dict:
    """What brings the address bar up to date, to be sent by `feed`."""
    return address_part(shared_link().query())


def update_address() -> None:
    """Bring the address bar up to date."""
    feed(link_part(), key="address-feed")


def page_header(title: str) -> None:
    """A page's title beside the language and the button, with the address bar up to date."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="page_header"):
        st.header(title)
        language_box(state.words(), beside_title=True)
        copy_button()
    update_address()
