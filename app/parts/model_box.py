"""The model box: takes what people type, opens what they most likely mean, and shows what else it may have been."""

from __future__ import annotations

import streamlit as st

from freezecore.cache import uploads
from freezecore.errors import FreezeError, NotFetched, SourceError, shortened
from freezecore.model_lookup import is_path, matches, named
from freezecore.serving import hub
from freezecore.source import ModelSource

from .. import state
from ..link import Link
from ..service import gallery
from ..text import Words
from . import show_errors
from .address import copy_button
from .glossary import glossary
from .upload import upload

OFFERED = 5
ASKED = "hub"
ASKING_S = 0.5
GALLERY = [model.source for model in gallery.MODELS]


def model_box(link: Link, words: Words) -> None:
    """The gallery, and any other text: a name, an id or address of the Hub, a line of code that loads a model."""
    options = GALLERY if link.model in GALLERY else [link.model, *GALLERY]
    state.fill("w_model", link.model)
    st.selectbox(
        words("top.model"),
        options,
        key="w_model",
        format_func=lambda source: _label(source, words),
        accept_new_options=True,
        on_change=_chosen,
        help=words("top.model_help"),
        filter_mode="contains",
    )


def first_models(words: Words) -> None:
    """What to do here in a line, the models to begin with or those like what was typed, and the link."""
    typed, found = state.notes("model_box").get("typed"), state.notes("model_box").get("found", ())
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="first_models"):
        if found:
            st.markdown(words("top.like", typed=show_errors.plain(shortened(typed, 40))), width="content")
            _buttons(found, words)
        else:
            glossary(words)
            st.markdown(f":small[{words('top.begin')}]", width="content")
            _buttons(gallery.FIRST, words)
        upload(words)
        st.space("stretch")
        copy_button()


def not_opened(error: FreezeError, words: Words) -> None:
    """Why the link's model does not open, and models like it that do; one of the Hub is asked for on a press."""
    source = ModelSource.parse(state.link().model)
    if isinstance(error, NotFetched):
        _ask_hub(source, error, words)
    elif state.message() is None:  # else another name was typed since, and is told about above
        show_errors.show(error.problem, error.hint)
    label = source.label
    found = [model.source for model in matches(label, GALLERY, OFFERED) if model.source != state.link().model]
    if isinstance(error, SourceError) and found:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="like_models"):
            st.markdown(words("top.instead"), width="content")
            _buttons(found, words, "like")


def _ask_hub(source: ModelSource, error: FreezeError, words: Words) -> None:
    """What the Hub is being asked, what it answered, or a button that asks it: a link alone never does."""
    if hub.shared().goes_on(source) and state.notes(ASKED).get("name") == source.name:
        st.fragment(_asking, run_every=ASKING_S)(source, words)
        return
    if state.message() is None:
        fault = hub.shared().fault(source) or error
        show_errors.show(fault.problem, fault.hint)
    st.button(words("top.ask_hub"), key="ask_hub", icon=":material/cloud_download:", on_click=_ask, args=(source,))


def _asking(source: ModelSource, words: Words) -> None:
    if not hub.shared().goes_on(source):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="asking_hub"):
        st.info(words("top.asking", name=show_errors.plain(shortened(source.name))), icon=":material/hourglass_top:")
        st.button(words("top.cancel"), key="cancel_hub", on_click=state.forget_notes, args=(ASKED,))


@show_errors.acting
def _ask(source: ModelSource) -> None:
    state.notes(ASKED)["name"] = source.name
    hub.shared().begin(source)


def _buttons(sources, words: Words, row: str = "first") -> None:
    for source in sources:
        model = gallery.BY_SOURCE.get(source)
        name = source.partition(":")[2]
        st.button(
            gallery.named(source),
            key=f"{row}_{source}",
            type="tertiary",
            disabled=source == state.link().model,
            on_click=_open,
            args=(source,),
            help=words(f"first.{name}")
            if source in gallery.FIRST
            else words("group." + model.group)
            if model
            else source,
        )


def _label(source: str, words: Words) -> str:
    model = gallery.BY_SOURCE.get(source)
    if not model:
        return gallery.name_of(source) if uploads.NAME.search(source) else source
    return " · ".join((gallery.named(source), words("group." + model.group), source))


@show_errors.acting
def _chosen() -> None:
    typed = (state.value("w_model") or "").strip()
    if typed in GALLERY:
        _open(typed)
    elif typed:
        _open_typed(typed)


def _open_typed(typed: str) -> None:
    """Open what the text names, else what it most likely means; the rest stays in sight to choose from.

    Raises:
        SourceError: nothing is called so, or it is where a file lies.
    """
    if known := named(typed):
        _open(known.source, known.task, known.labels)
        _ask(ModelSource.parse(known.source))
        return
    if is_path(typed):
        raise SourceError(
            "'{name}' is a file's path, not a model's name.",
            "Choose a model.json or a config.json under *Your own model*, below this box.",
            name=shortened(typed),
        )
    found = [model.source for model in matches(typed, GALLERY, OFFERED)]
    if not found:
        raise SourceError(
            "No model is called '{name}'.",
            "Write a name such as resnet50, a Hub id such as microsoft/deberta-v3-base, or the line that loads it.",
            name=shortened(typed),
        )
    _open(found[0])
    state.notes("model_box").update(typed=typed, found=found)


@show_errors.acting
def _open(source: str, task: str | None = None, labels: int | None = None) -> None:
    state.forget_notes("model_box")
    state.open_model(str(ModelSource.parse(source)), task, labels)
