"""A look at data before anything is trained: samples, class balance, lengths, and how to score."""

from __future__ import annotations

from html import escape

import streamlit as st

from app import state
from app.figures import colours, data, layout
from app.parts import show_errors
from app.parts.samples import gallery_html
from app.service import analyst
from app.text import Words
from freezecore.datasets import DataPreview
from freezecore.errors import FreezeError
from freezecore.metrics import METRICS
from freezecore.probe import ProbeRequest
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

MOST_CLASSES = 12
ANY_MODEL = ModelSource("timm", "resnet18")  # a look at pictures is the same for every model, and is remembered so
BALANCE_HEIGHT = 190


def look_at(name: str, asked: dict, reader: ModelSource | None, own: bool, words: Words) -> bool:
    """Draw it; whether the data could be read. `reader` is the model whose tokens are counted."""
    request = ProbeRequest(reader or ANY_MODEL, FreezeSpec(), **{**asked, "metric": None})
    try:
        with st.spinner(words("own.reading")):
            preview = analyst.shared().preview(request)
    except FreezeError as error:
        show_errors.show(error.problem, error.hint)
        return False
    st.markdown(_sizes(preview, words))
    for note in preview.notes:
        st.warning(show_errors.said(note))
    samples, balance = st.columns([3, 2])
    with samples:
        shown = [(sample.picture, sample.text, escape(sample.target)) for sample in preview.samples]
        st.html(gallery_html(shown, words))
    with balance:
        _chart(preview, words)
    if own:
        _metric(name, preview, words)
    return True


def _sizes(preview: DataPreview, words: Words) -> str:
    if preview.values:
        low, middle, high = (f"{value:g}" for value in preview.values)
        what = words("own.values", low=low, middle=middle, high=high)
    else:
        what = words("own.classes", count=len(preview.classes))
    return words("own.sizes", train=preview.train_size, test=preview.test_size) + " " + what


def _chart(preview: DataPreview, words: Words) -> None:
    theme = colours.of(state.theme())
    if preview.classes:
        largest = sorted(preview.classes, key=lambda c: c.train + c.test, reverse=True)[:MOST_CLASSES]
        kept = {c.name for c in largest}
        rows = [(c.name, c.train, c.test) for c in preview.classes if c.name in kept]
        title = words("own.balance") if len(rows) == len(preview.classes) else words("own.balance_largest", n=len(rows))
        st.markdown(f"**{title}**")
        figure = data.balance(rows, words, theme)
        st.plotly_chart(figure, key="balance", height=BALANCE_HEIGHT, theme=None, config=layout.CONFIG, alt=title)
    if preview.lengths:
        title = words(f"own.lengths_{preview.counted}")
        st.markdown(f"**{title}**", help=words("own.lengths_help"))
        figure = data.lengths(preview.lengths, words, theme)
        st.plotly_chart(figure, key="lengths", height=BALANCE_HEIGHT, theme=None, config=layout.CONFIG, alt=title)
    if preview.sequence_length:
        st.caption(words("own.sequence_length", n=preview.sequence_length))


def _metric(name: str, preview: DataPreview, words: Words) -> None:
    target = "value" if preview.values else "class"
    offered = [metric.name for metric in METRICS.values() if metric.target == target]
    known = state.notes("metric").get(name)
    state.fill("w_metric", known if known in offered else offered[0])
    st.selectbox(
        words("own.metric"),
        offered,
        key="w_metric",
        format_func=lambda one: words(f"metric.{one}"),
        on_change=_scored,
        args=(name,),
        help=words("own.metric_help"),
    )


@show_errors.acting
def _scored(name: str) -> None:
    state.notes("metric")[name] = state.value("w_metric")
