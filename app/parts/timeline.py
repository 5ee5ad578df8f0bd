"""One step: what is alive through it under this selection, over what training everything takes."""

from __future__ import annotations

import streamlit as st

from freezecore.report import bytes_text

from .. import state
from ..figures.timeline import timeline_chart
from ..service.pricing import timelines_of
from ..service.selection import select
from ..text import Words
from .glossary import with_terms
from .plot import plot

HEIGHT = 300  # pixels


def timeline(words: Words) -> None:
    """The chart, or why there is none."""
    found = timelines_of(select(state.link()))
    if found is None:
        st.caption(words("timeline.unknown"))
        return
    told, full, cost = found
    alt = words("timeline.alt", bytes=bytes_text(told.peak_bytes), moment=words.said(cost.peak_moment))
    plot(timeline_chart, told, full, key="timeline", alt=alt, height=HEIGHT)
    with_terms(words.together(alt, words("timeline.caption")), words, "timeline")
