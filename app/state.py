"""What a visitor has chosen: the only file that touches session state and the address bar.

The link is kept as plain values and rebuilt on every run; widgets are filled from it, never the other way round.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import DeletedFile

from .link import Link, read_link
from .service import gallery, visitors
from .text import LANGUAGES, Words

STEPS = "earlier_steps"
UNDOABLE = (
    "rules", "adapter", "quantize", "batch", "size", "optimizer", "precision", "checkpointing", "card", "accumulate",
    "trainer",
)  # fmt: skip


def begin() -> None:
    """Once per full run: take over a new visitor's link, or the model of an address that Back has brought up."""
    session = st.session_state
    query = st.query_params.to_dict()
    address = query.get("model")
    if "link" not in session:
        found, ignored = read_link(query)
        session.link, session.ignored = found.values, list(ignored)
        session.owner = visitors.known(st.context.cookies) or visitors.new_name()
    elif session.pop("switched", False):
        st.query_params.from_dict(dict(parse_qsl(link().query())))  # whole: Back may have left another
    elif address and address != link().model and _has_gone_back():
        found, _ = read_link(query)
        klass = found.klass or link().klass  # one stays in a class
        session.link = replace(found, lang=link().lang, klass=klass).values
        forget_draft()


def is_first_drawing() -> bool:
    """Whether a browser has just come to this page; once, and never where there is none, as in tests of the page."""
    if "was_drawn" in st.session_state or not st.context.url:
        return False
    st.session_state.was_drawn = True
    return True


def _has_gone_back() -> bool:
    """Whether Back or Forward asked for this run. Another address alone says nothing: what the browser asked for just
    before it was told of another model still names the one before."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def link() -> Link:
    """What is chosen now."""
    return Link(**st.session_state.link)


def change(**fields: object) -> None:
    """Choose something else; what was chosen before is a step to go back to, for as long as the model stays."""
    was = link().values
    st.session_state.link = replace(link(), **fields).values
    if link().model != was["model"]:
        forget_notes(STEPS)
    elif before := {name: was[name] for name in UNDOABLE if was[name] != st.session_state.link[name]}:
        notes(STEPS)[len(notes(STEPS))] = before


def can_undo() -> bool:
    """Whether there is a choice, or a draft of rules, to go back from."""
    return draft() is not None or bool(notes(STEPS))


def undo() -> None:
    """Back to what was chosen before the last change, whatever made that; of a draft, to the rules that hold."""
    if draft() is None and notes(STEPS):
        _, before = notes(STEPS).popitem()
        st.session_state.link = replace(link(), **before).values
    forget_draft()


def has_changed(name: str) -> bool:
    """Whether the last step to go back from changed this."""
    steps = notes(STEPS)
    return bool(steps) and name in steps[len(steps) - 1]


def open_model(source: str, task: str | None = None, labels: int | None = None) -> None:
    """Turn to another model, as the gallery opens it unless told, with its own opening selection: a new step of the
    history."""
    known = gallery.BY_SOURCE.get(source)
    task, labels = (task or (known.task if known else None), labels or (known.labels if known else None))
    plain = {"adapter": None, "quantize": None, "rules": None, "size": None, "run": None, "search": None}
    change(model=source, task=task, labels=labels, **plain)
    st.session_state.switched = True
    forget_draft()


def open_if_other(source: str) -> None:
    """Turn to this model unless it is open."""
    if source != link().model:
        open_model(source)


def go_to_explore(pane: str) -> None:
    """Turn to Explore with this pane in sight, at the next drawing of another page."""
    st.session_state.go_to = pane


def go_to_compare() -> None:
    """Turn to Compare at the next drawing."""
    st.session_state.to_compare = True


def going_to_compare() -> bool:
    """Whether Compare was asked for."""
    return st.session_state.pop("to_compare", False)


def going_to_explore() -> bool:
    """Whether Explore was asked for; its pane is then chosen."""
    pane = st.session_state.pop("go_to", None)
    if pane is not None:
        st.session_state.w_pane = pane
    return pane is not None


def write_rules(rules: str, adapter: str | None = None) -> None:
    """Choose a selection by its rules, and the adapter where one belongs to them; a draft that could not be read is
    dropped."""
    change(rules=rules, **({"adapter": adapter} if adapter else {}))
    forget_draft()


def words() -> Words:
    """The visitor's sentences: the language of the link, else of the browser."""
    chosen = link().lang
    if chosen is None:
        locale = (st.context.locale or "").lower()
        chosen = next((lang for lang in LANGUAGES if locale.startswith(lang)), "en")
    return Words(chosen)


def draft() -> str | None:
    """Rules that were typed but could not be read; None when the text and the ticks agree."""
    return st.session_state.get("draft")


def keep_draft(text: str) -> None:
    """Keep what was typed on the page although it could not be used."""
    st.session_state.draft = text


def forget_draft() -> None:
    st.session_state.pop("draft", None)


def leave_message(problem: str, hint: str = "") -> None:
    """Leave a sentence for the next drawing of the page."""
    st.session_state.message = (problem, hint)


def message() -> tuple[str, str] | None:
    """The sentence that was left; it stays until the visitor does something else."""
    return st.session_state.get("message")


def ignored() -> list[str]:
    """Fields of the visitor's link that could not be used, until the visitor does something."""
    return st.session_state.get("ignored", [])


def forget_messages() -> None:
    """Forget the sentences that were left: the visitor has gone on.

    Emptied, not dropped: Streamlit may be reading all keys for a drawing that this one is about to end.
    """
    st.session_state.message = None
    st.session_state.ignored = []


def owner() -> str:
    """The name of this browser, which nobody guesses: what it has started is its own, also after a reload or a restart.

    By it the queue is shared out fairly, too. Of a browser that keeps no cookies, a name for this visit.
    """
    return st.session_state.owner


def visitor() -> str:
    """By whom bounds count: this browser, or all at its address where it keeps no cookies."""
    return visitors.visitor(st.context.cookies, st.context.ip_address)


def held() -> list[str]:
    """Runs whose links this visit has opened or whose stored answer it was given, the newest last."""
    return list(notes("held"))


def hold(token: str) -> None:
    """List this run among one's own for this visit: whoever has its link may see it."""
    notes("held")[token] = True


def value(name: str, otherwise=None):
    """What a widget holds, by its key."""
    return st.session_state.get(name, otherwise)


def dropped_file(name: str):
    """The file that was dropped on this field; None where there is none, or where it was given back.

    A drawing that is cut short by the next one has its callbacks called again, with a file that is kept elsewhere by
    then.
    """
    file = value(name)
    return None if isinstance(file, DeletedFile) else file


def forget_upload(file) -> None:
    """Give back the memory of a dropped file that is kept elsewhere; Streamlit holds it as long as the page is open."""
    if context := get_script_run_ctx():
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def fill(name: str, content: object) -> None:
    """Put a value into a widget before it is drawn."""
    st.session_state[name] = content


def keep_values(**openings: object) -> None:
    """Keep what these widgets hold while out of sight, which Streamlit forgets; called before they are drawn.

    It is written even where it is known: what is not written is not sent, and a browser that has put a field away
    draws it empty.
    """
    kept = notes("kept_values")
    for name, opening in openings.items():
        kept[name] = st.session_state[name] = st.session_state.get(name, kept.get(name, opening))


def send_kept_values() -> None:
    """Send the browser what those widgets hold; called as a whole page begins.

    A drawing that is cut short by the next one may never have reached the browser, which then shows empty fields.
    """
    for name in notes("kept_values"):
        if name in st.session_state:
            st.session_state[name] = st.session_state[name]


def theme() -> str:
    """`light` or `dark`, as the visitor sees the page."""
    return st.context.theme.type or "light"


def notes(name: str) -> dict:
    """A notebook of this visit, for what belongs to no link: plain values under a name."""
    return st.session_state.setdefault(name, {})


def forget_notes(name: str) -> None:
    st.session_state.pop(name, None)


def base_address() -> str:
    """Scheme and host that this visitor reaches the page by; empty where that is unknown."""
    here = urlsplit(st.context.url or "")
    return f"{here.scheme}://{here.netloc}" if here.netloc else ""
