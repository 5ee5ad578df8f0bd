"""Which data to try a selection on, and a preview of it; the choice is shared by everything that trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import streamlit as st

from freezecore.datasets import BUILT_IN, OF_TOKENS, DataPreview, default_for, kind_for
from freezecore.errors import DataError, FreezeError
from freezecore.metrics import METRICS
from freezecore.probe import CHOICES, ProbeRequest
from freezecore.serving import hub
from freezecore.serving.analyst import client as analyst
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

from .. import state
from ..figures import data as figures
from ..service import belongings, uploads
from ..service.run_table import name_of_data
from ..service.selection import ModelSelection
from ..text import Words
from . import show_errors
from .plot import plot

NOTES = "data"
OWN = "own"
COLUMNS = ("target", "text", "text_pair", "group", "fold")
WEIGHTLESS = ("config", "file", "py")  # schemes of sources that no trained weights belong to
MOST_CLASSES = 12
ANY_MODEL = ModelSource("timm", "resnet18")  # a preview of pictures is the same for every model, and remembered so
CHART_HEIGHT = 190


def data_picker(selection: ModelSelection, words: Words) -> str | None:
    """Draw the list; the name of the data that is picked, None while a file is awaited."""
    kind = kind_for(selection.tree)
    built_in = sorted((data.name for data in BUILT_IN.values() if data.kind == kind), key=default_for(kind).__ne__)
    uploaded = list(belongings.of(state.owner(), kind))
    offered = [*built_in, *uploaded, OWN]
    picked = state.notes(NOTES).get(kind)
    name = picked if picked in offered else offered[0]
    state.fill("w_data", name)
    st.selectbox(
        words("probe.data"),
        offered,
        key="w_data",
        format_func=lambda one: words.either(f"data.{_of_task(one, _task(selection))}", name_of_data(one)),
        on_change=_picked,
        args=(kind,),
    )
    return None if name == OWN else name


def _task(selection: ModelSelection) -> str | None:
    """The task that decides what is learnt of a text, where it is not a class."""
    return selection.source.task if selection.source.task in OF_TOKENS else None


def _of_task(name: str, task: str | None) -> str:
    """A built-in data set's name, or what it is to such a task."""
    return task if task and name in BUILT_IN else name


def own_data(selection: ModelSelection) -> DataPreview | None:
    """What was found in one's own data, where some is picked and was looked at."""
    notes = state.notes(NOTES)
    return notes.get(f"seen {notes.get(kind_for(selection.tree))}")


@show_errors.acting
def _picked(kind: str) -> None:
    state.notes(NOTES)[kind] = state.value("w_data")


def data_below(selection: ModelSelection, name: str | None, words: Words) -> bool:
    """Below the row of settings: the drop zone, or a preview of the data; whether a run may start on it."""
    kind = kind_for(selection.tree)
    if name is None:
        st.file_uploader(
            words(f"own.drop_{_task(selection) or kind}"),
            type=[ending[1:] for ending in uploads.TYPES[kind]],
            key="w_own_data",
            on_change=_dropped,
            args=(kind,),
            help=words("own.help", most=uploads.LARGEST_MIB),
            max_upload_size=uploads.LARGEST_MIB,
        )
        return False
    own = name not in BUILT_IN
    state.fill("w_preview", state.notes(NOTES).get(f"preview_{own}", own))
    if kind == "text" and not state.value("w_preview") and not hub.has_tokenizer(selection.source):
        label = show_errors.plain(selection.source.label)  # a look asks for it, and says what came
        st.warning(words("own.no_tokenizer", name=label), icon=":material/cloud_download:")
    st.toggle(words("own.preview"), key="w_preview", on_change=_preview_toggled, args=(own,))
    if not state.value("w_preview"):
        if own and kind == "text":
            _columns(name, words)
        return True
    if kind == "text":
        return _preview(name, _fields(selection) | _size(selection), selection.source, own, words)
    return _preview(name, _fields(selection), ANY_MODEL, own, words)


@show_errors.acting
def _preview_toggled(own: bool) -> None:
    state.notes(NOTES)[f"preview_{own}"] = state.value("w_preview")


@show_errors.acting
def _dropped(kind: str) -> None:
    file = state.dropped_file("w_own_data")
    if file is None:
        return
    try:
        path = uploads.keep_data(file.getvalue(), file.name, kind)
    finally:
        state.forget_upload(file)
    notes = state.notes(NOTES)
    belongings.add(state.owner(), kind, path)
    notes[kind] = path


def _columns(name: str, words: Words) -> None:
    """Fields for the names of a table's columns, where it could not be looked at, or is not."""
    with st.popover(words("own.columns"), help=words("own.columns_help")):
        for column in COLUMNS:
            state.fill(f"w_column_{column}", _named(name).get(column))
            st.text_input(
                words(f"own.column_{column}"),
                key=f"w_column_{column}",
                placeholder=words("own.column_auto"),
                max_chars=200,
                on_change=_column_named,
                args=(name, column),
            )


def _choices(name: str, preview: DataPreview, words: Words) -> None:
    """The columns and the split that were taken, as lists to choose others from."""
    for place, column in zip(st.columns(len(COLUMNS)), COLUMNS, strict=True):
        taken = preview.columns.get(column)
        state.fill(f"w_column_{column}", taken if taken in preview.choices else None)
        place.selectbox(
            words(f"own.column_{column}"),
            preview.choices,
            index=None,
            key=f"w_column_{column}",
            placeholder=words("own.column_none"),
            on_change=_column_named,
            args=(name, column),
        )


def _named(name: str) -> dict[str, str | None]:
    """The columns that were named for a file."""
    return state.notes("columns").setdefault(name, {})


@show_errors.acting
def _column_named(name: str, column: str) -> None:
    _named(name)[column] = (state.value(f"w_column_{column}") or "").strip() or None


def probe_request(selection: ModelSelection, spec: FreezeSpec, weights: str | None = None, **options) -> ProbeRequest:
    """A probe under these rules on the data that is chosen, with the model, size, batch and optimizer of the link.

    Args:
        weights: `pretrained` (also for None) or `random`; a model that has none trains from random ones.
        options: other fields of the request.

    Raises:
        DataError: a file was to be dropped first.
    """
    link = selection.link
    return ProbeRequest(
        selection.source.with_(weights="random" if selection.source.scheme in WEIGHTLESS else weights or "pretrained"),
        spec,
        **_fields(selection),
        **_size(selection),
        batch_size=link.batch,
        optimizer=link.optimizer if link.optimizer in CHOICES["optimizer"] else "adamw",
        **options,
    )


def _fields(selection: ModelSelection) -> dict:
    """The data as a probe's request takes it.

    Raises:
        DataError: a file was to be dropped first.
    """
    kind = kind_for(selection.tree)
    name = state.notes(NOTES).get(kind) or default_for(kind)
    if name == OWN:
        raise DataError("There is no file yet.", "Drop one, or choose built-in data.")
    if name in BUILT_IN:
        return {"data": name}
    named = _named(name) if kind == "text" else {}
    return {"data": name, "metric": state.notes("metric").get(name), **{k: v for k, v in named.items() if v}}


def _size(selection: ModelSelection) -> dict:
    """The input size that the link asks for, as a probe's request takes it."""
    return {"sequence_length" if kind_for(selection.tree) == "text" else "image_size": selection.link.size}


def about(selection: ModelSelection, name: str | None, words: Words) -> str:
    """A sentence on the data."""
    return words(f"data_about.{_of_task(name, _task(selection))}") if name in BUILT_IN else ""


def _preview(name: str, asked: dict, reader: ModelSource, own: bool, words: Words) -> bool:
    """Draw samples, class balance, lengths, and how to score; whether the data could be read.

    Args:
        reader: the model whose tokens are counted.
    """
    request = ProbeRequest(reader, FreezeSpec(), **{**asked, "metric": None})
    try:
        with st.spinner(words("own.reading")):
            preview = analyst.for_data().preview(request)
    except FreezeError as error:
        show_errors.show(error.problem, error.hint)
        if own and reader is not ANY_MODEL:
            _columns(name, words)
        return False
    if own and preview.choices:
        _choices(name, preview, words)
    if own:
        state.notes(NOTES)[f"seen {name}"] = replace(preview, samples=())
    split = show_errors.said(preview.split) if preview.split else None
    st.markdown(words.together(_sizes(preview, words), split))
    if preview.notes:
        st.warning(words.together(*map(show_errors.said, preview.notes)))
    samples, balance = st.columns([3, 2])
    with samples:
        shown = [(one.picture, one.text, escape(class_text(name, one.target, words))) for one in preview.samples]
        st.html(samples_html(shown, words))
    with balance:
        _charts(preview, words)
    if own:
        _metric(name, preview, words)
    return True


def _sizes(preview: DataPreview, words: Words) -> str:
    if preview.values:
        low, middle, high = (f"{value:g}" for value in preview.values)
        what = words("own.values", low=low, middle=middle, high=high)
    elif preview.target == "tags":
        what = words("own.tags", count=len(preview.classes))
    else:
        what = words("own.classes", count=len(preview.classes)) if preview.classes else None
    return words.together(words("own.sizes", train=preview.train_size, test=preview.test_size), what)


def _charts(preview: DataPreview, words: Words) -> None:
    if preview.classes:
        largest = sorted(preview.classes, key=lambda c: c.train + c.test, reverse=True)[:MOST_CLASSES]
        kept = {c.name for c in largest}
        rows = [(c.name, c.train, c.test) for c in preview.classes if c.name in kept]
        title = words("own.balance") if len(rows) == len(preview.classes) else words("own.balance_largest", n=len(rows))
        st.markdown(f"**{title}**")
        plot(figures.class_balance, rows, key="balance", alt=title, height=CHART_HEIGHT)
    if preview.lengths:
        title = words(f"own.lengths_{preview.counted}")
        st.markdown(f"**{title}**", help=words("own.lengths_help"))
        plot(figures.text_lengths, preview.lengths, key="lengths", alt=title, height=CHART_HEIGHT)
    if preview.sequence_length:
        st.caption(words("own.sequence_length", n=preview.sequence_length))
        longest = preview.lengths[-1][0] if preview.counted == "tokens" and preview.lengths else preview.sequence_length
        if longest < preview.sequence_length:
            st.caption(words("own.shorter", n=longest))


def _metric(name: str, preview: DataPreview, words: Words) -> None:
    offered = [metric.name for metric in METRICS.values() if metric.target == preview.target]
    known = state.notes("metric").get(name)
    state.fill("w_metric", known if known in offered else offered[0])
    st.selectbox(
        words("own.metric"),
        offered,
        key="w_metric",
        format_func=lambda one: words(f"metric.{one}"),
        on_change=_metric_picked,
        args=(name,),
        help=words("own.metric_help"),
    )


@show_errors.acting
def _metric_picked(name: str) -> None:
    state.notes("metric")[name] = state.value("w_metric")


def class_text(data: str, name: str, words: Words) -> str:
    """A class as the page writes it: those of the shapes that are drawn here have names in each language."""
    return words.either(f"shape.{name}", name) if data == "shapes" else name


def samples_html(samples: Sequence[tuple[str | None, str | None, str]], words: Words) -> str:
    """A row of pictures (`data:` addresses) or beginnings of texts, each with a caption.

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
