"""A class: its link as a QR code, and what everybody answered, guessed and measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from urllib.parse import urlsplit

import segno
import streamlit as st

from freezecore.errors import FreezeError
from freezecore.serving import jobs

from .. import state
from ..figures import classroom as figures
from ..server.launch import PROGRAM, is_loopback, local_address
from ..service import class_table, lessons
from ..service.class_entry import ClassEntry
from ..service.classes import JOINED, Classes, nickname
from ..service.lessons import Lesson
from ..text import UNKNOWN, Words
from . import job, measured_under, show_errors
from .glossary import with_terms
from .plot import plot
from .table import formatted

LOOKED_EVERY_S = 3.0
ROW_HEIGHT, AXIS_HEIGHT = 44, 50  # pixels
A_LESSON_S = 12 * 3600  # a class that was joined so lately is likely the one that somebody looks for
MOST_LISTED = 4  # of a teacher's earlier classes
LONG_QUEUE = 2  # measurements that wait before a teacher is told


@cache
def shared() -> Classes:
    """The classes of this server."""
    return Classes()


def nickname_field(words: Words) -> None:
    """Ask for a nickname where the link names a class."""
    token = state.link().klass
    if token is None:
        _way_back(shared().last_joined(state.visitor(), time.time() - A_LESSON_S), words)
        return
    if not shared().exists(token):
        st.warning(words("class.gone"))
        return
    if state.value("w_nickname") is None and (name := _own_name(token)):  # the page has been loaded anew
        state.fill("w_nickname", name)
        state.notes("class_names")[token] = name
        _recall(token, name)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            words("class.nickname"),
            key="w_nickname",
            max_chars=24,
            help=words("class.nickname_help"),
            width=320,
            on_change=_named,
        )
        if state.value("w_nickname"):
            st.button(
                words("class.another"), key="another_person", type="tertiary", icon=":material/switch_account:",
                help=words("class.another_help"), on_click=_another,
            )  # fmt: skip


def _way_back(token: str | None, words: Words) -> None:
    """Lead whoever has lost a class's link, by the browser's Back or a page of their own, to where they were."""
    if token:
        st.button(
            words("class.back"), key="back_to_class", icon=":material/undo:", on_click=state.change,
            kwargs={"klass": token},
        )  # fmt: skip


@show_errors.acting
def _named() -> None:
    """They are here, and whoever guessed before typing a name is not forgotten.

    Another name is the same person's, corrected, unless this browser has written under it before: then whoever had it
    sits there again.
    """
    token, typed = state.link().klass, state.value("w_nickname")
    if token and typed:
        names = state.notes("class_names")
        known = names.get(token)
        try:
            name = nickname(typed)
            if known and known != name:
                if name in shared().names(token, state.visitor()):
                    _forget_answers()
                else:
                    shared().rename(token, known, name, state.visitor())
            shared().note(token, ClassEntry(name, JOINED, "", ()), state.visitor())
        except FreezeError:  # a name that stayed there would look like theirs, and nothing they answer would count
            state.fill("w_nickname", known or _own_name(token))
            raise
        names[token] = name
        _recall(token, name)
    for lesson in lessons.LESSONS:
        record(lesson)


@show_errors.acting
def _another() -> None:
    """Somebody else sits down at this screen: what was answered stays with the name it was answered under."""
    state.notes("class_names").pop(state.link().klass, None)
    state.fill("w_nickname", "")
    _forget_answers()


def _forget_answers() -> None:
    """This visit starts its lessons anew."""
    for lesson in lessons.LESSONS:
        state.forget_notes(f"lesson_{lesson.key}")
        for name in ("guess", "before", "after"):
            state.fill(f"w_{name}_{lesson.key}", None)
    state.change(guess=None, runs=None)


def _own_name(token: str) -> str:
    """The name that this browser has written under in the class; empty where there is none, or more than one."""
    names = shared().names(token, state.visitor())
    return names[0] if len(names) == 1 else ""


def _recall(token: str, name: str) -> None:
    """What this person has answered in the class before, where this visit knows nothing newer."""
    for entry in shared().entries(token):
        if entry.nickname == name:
            known = {"before": entry.before, "guess": entry.guess, "after": entry.after, "tokens": list(entry.runs)}
            notes = state.notes(f"lesson_{entry.lesson}")
            notes.update({what: answer for what, answer in known.items() if answer and what not in notes})


def record(lesson: Lesson) -> None:
    """Write down for the class what this person has answered, guessed and measured, once they have a name."""
    token, name, notes = state.link().klass, state.value("w_nickname"), state.notes(f"lesson_{lesson.key}")
    if not (token and name and {"before", "guess", "after"} & notes.keys()):
        return
    runs = () if notes.get("measuring") else tuple(notes.get("tokens", ()))
    answers = (notes.get("before", ""), notes.get("after", ""))
    try:
        entry = ClassEntry(nickname(name), lesson.key, notes.get("guess", ""), runs, *answers)
        shared().note(token, entry, state.visitor())
    except FreezeError as error:
        state.leave_message(error.problem, error.hint)  # whoever calls this draws anew, which wipes what is shown


def nickname_missing(lesson: Lesson, words: Words) -> None:
    """Tell who has answered in a class without a name that nothing of it is counted."""
    token = state.link().klass
    answered = {"before", "guess", "after"} & state.notes(f"lesson_{lesson.key}").keys()
    if token and answered and not state.value("w_nickname") and shared().exists(token):
        st.caption(f":material/badge: {words('class.nickname_missing')}")


def measures_for_oneself() -> bool:
    """Whether this person is in a class in which nobody's measurement answers for another."""
    token = state.link().klass
    return token is not None and shared().exists(token) and not shared().settings(token).shared


def revealed(lesson: Lesson) -> None:
    """What the class guessed and measured, once the teacher shows it, for everybody in it who has guessed themselves:
    whoever comes late guesses first, too."""
    token = state.link().klass
    if token is None or not shared().exists(token):
        return

    @show_errors.told
    def look() -> None:
        settings = shared().settings(token)
        if lesson.key not in settings.revealed:
            return
        words = state.words()
        st.subheader(words("class.revealed"))
        if settings.teacher == state.owner() or _has_guessed(token, lesson):
            _charts(shared().entries(token, lesson.key), lesson, words)
        else:
            st.caption(f":material/visibility_off: {words('class.guess_first')}")

    st.fragment(look, run_every=LOOKED_EVERY_S, key="revealed")()


def _has_guessed(token: str, lesson: Lesson) -> bool:
    """Whether this person has committed to a guess: in this visit, or under a name of this browser."""
    if "guess" in state.notes(f"lesson_{lesson.key}"):
        return True
    mine = shared().names(token, state.visitor())
    return any(entry.guess and entry.nickname in mine for entry in shared().entries(token, lesson.key))


def classroom(words: Words) -> None:
    """The teacher's page: begin a class, hand out its link, watch the answers come in, show them."""
    token = state.link().klass
    if token is None or not shared().exists(token):
        if token:
            st.warning(words("class.gone_here"))
        with_terms(words("class.about"), words, "class")
        st.button(words("class.begin"), type="primary", key="begin_class", on_click=_begin)
        _begun_before(words)
        _lessons(words)
        return
    if shared().settings(token).teacher not in ("", state.owner()):
        st.info(words("class.not_teacher"))
        st.link_button(words("class.join"), _lessons_link(state.base_address(), token), type="primary")
        for lesson in lessons.LESSONS:
            if lesson.key in shared().settings(token).revealed and _has_guessed(token, lesson):
                st.subheader(words(f"lesson.{lesson.key}.title"))
                _charts(shared().entries(token, lesson.key), lesson, words)
        return
    _invitation(token, words)
    chosen, share = st.columns([3, 2], vertical_alignment="bottom")
    lesson = chosen.selectbox(
        words("learn.pick"),
        [lesson.key for lesson in lessons.LESSONS],
        key="w_class_lesson",
        format_func=lambda key: lessons.title(key, words),
    )
    state.fill("w_class_shared", shared().settings(token).shared)
    share.toggle(
        words("class.share"), key="w_class_shared", help=words("class.share_help"), on_change=_share, args=(token,)
    )
    st.fragment(_board, run_every=LOOKED_EVERY_S, key="board")(token, lesson)


def _begun_before(words: Words) -> None:
    """The classes that this browser leads: their links may have gone with the browser's Back."""
    begun = shared().begun_by(state.owner())[:MOST_LISTED]
    if begun:
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key="begun_before"):
            st.markdown(f":small[{words('class.yours')}]", width="content")
            for token, created in begun:
                text = words("class.yours_one", when=measured_under.clock_time(created), count=shared().present(token))
                st.button(text, key=f"open_class_{token}", on_click=state.change, kwargs={"klass": token})


def _lessons(words: Words) -> None:
    """What a class is asked: the lessons, three in a row."""
    st.subheader(words("learn.title"))
    for row in range(0, len(lessons.LESSONS), 3):
        for column, lesson in zip(st.columns(3), lessons.LESSONS[row : row + 3], strict=False):
            with column.container(border=True, height="stretch"):
                st.markdown(f"**{lessons.title(lesson.key, words)}**")
                st.caption(words(f"lesson.{lesson.key}.about"))


@show_errors.acting
def _begin() -> None:
    state.change(klass=shared().open(state.visitor(), state.owner()))


def _invitation(token: str, words: Words) -> None:
    """The class's link, as a QR code to be seen from the last row and as text, and whether others reach it."""
    base, reached = _address()
    link = _lessons_link(base, token)
    code, texts = st.columns([2, 5], vertical_alignment="center")
    with code:
        picture = segno.make(link, error="m").svg_data_uri(scale=8, border=3, dark="#000", light="#fff")
        st.html(f'<img class="qr" src="{picture}" alt="{words("class.qr")}">')
    with texts:
        st.markdown(f"**{words('class.lesson_link')}**")
        st.code(link, language=None, wrap_lines=True)
        if not reached:
            st.warning(words("class.here_only", command=f"{PROGRAM} --room"), icon=":material/wifi_off:")
        with st.expander(words("class.setup_link")):
            st.code(f"{base}/?{state.link().query()}", language=None, wrap_lines=True)


def _lessons_link(base: str, token: str) -> str:
    """What a student opens; short, since some will type it."""
    return f"{base}/learn?class={token}"


def _address() -> tuple[str, bool]:
    """Scheme and host for others, and whether they reach it: a page that is looked at on its own machine is at another
    address for those around it, if the server listens there."""
    base = state.base_address()
    here = urlsplit(base)
    if not is_loopback(here.hostname):
        return base, True
    outside = local_address()
    if is_loopback(outside) or outside not in (st.get_option("server.allowedHosts") or ()):  # only `--room` allows it
        return base, False
    return f"{here.scheme}://{outside}:{here.port}", True


@show_errors.acting
def _share(token: str) -> None:
    _settle(token, shared=bool(state.value("w_class_shared")))


@show_errors.acting
def _reveal(token: str, key: str) -> None:
    known = shared().settings(token).revealed
    _settle(token, revealed=known - {key} if key in known else known | {key})


@show_errors.acting
def _share_now(token: str) -> None:
    _settle(token, shared=True)
    st.rerun()


def _settle(token: str, **chosen: object) -> None:
    shared().change(token, replace(shared().settings(token), **chosen))


@show_errors.told
def _board(token: str, key: str) -> None:
    """Who is there, and, once the teacher shows it, what they answered, guessed and measured."""
    words = state.words()
    lesson, settings = lessons.BY_KEY[key], shared().settings(token)
    entries = shared().entries(token, key)
    _heads(token, entries, words)
    _queue(token, settings.shared, words)
    shown = key in settings.revealed
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            words("class.hide" if shown else "class.reveal"), key="reveal", type="secondary" if shown else "primary",
            icon=":material/visibility_off:" if shown else ":material/visibility:", on_click=_reveal, args=(token, key),
            help=None if shown else words("class.reveal_help"),
        )  # fmt: skip
        st.download_button(
            words("class.csv"), lambda: class_table.as_csv(shared().entries(token), _result),
            file_name="freeze_class.csv", mime="text/csv", icon=":material/download:", on_click="ignore",
            key="class_csv", help=words("class.csv_help"),
        )  # fmt: skip
    if not entries:
        st.info(words("class.nobody"))
    elif shown:
        _charts(entries, lesson, words)
        _before_and_after(entries, lesson, words)
        rows = formatted([class_table.row(entry, lesson, _result, words) for entry in entries], _texts(lesson, words))
        st.dataframe(rows, hide_index=True, key="class_board", placeholder=UNKNOWN)


def _heads(token: str, entries: Sequence[ClassEntry], words: Words) -> None:
    present, guessed = shared().present(token), sum(bool(entry.guess) for entry in entries)
    counts = {"present": present, "guessed": guessed, "measured": sum(bool(entry.runs) for entry in entries)}
    with st.container(key="class_heads"):
        for column, (name, count) in zip(st.columns(3), counts.items(), strict=True):
            column.metric(words(f"class.{name}"), count, border=True)


def _queue(token: str, is_shared: bool, words: Words) -> None:
    """How many measurements wait, until when, and, where each measures for themselves, what ends the waiting."""
    count, left = jobs.shared().waiting()
    if count < LONG_QUEUE:
        return
    text = words("class.queue", count=count)
    if left:
        text += words("probe.wait", wait=words.seconds(job.rounded(left)))
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="class_queue"):
        st.markdown(f":material/hourglass_top: {text}", width="content")
        if not is_shared:
            st.button(words("class.share_now"), key="share_now", on_click=_share_now, args=(token,))


def _charts(entries: Sequence[ClassEntry], lesson: Lesson, words: Words) -> None:
    """What was guessed and what was measured, side by side."""
    left, right = st.columns(2)
    names = {guess: words(f"lesson.{lesson.key}.guess.{guess}") for guess in lesson.guesses}
    votes = class_table.votes(entries, lesson)
    with left:
        title = words("class.guesses", count=sum(votes.values()))
        st.markdown(f"**{title}**")
        plot(figures.guesses, names, votes, key=f"guesses_{lesson.key}", alt=title, height=_height(len(names)))
    runs = [words(f"lesson.{lesson.key}.run.{run.name}") for run in lesson.runs]
    points = class_table.points(entries, lesson, _result)
    with right:
        title = words("class.results")
        st.markdown(f"**{title}**")
        if any(points):
            plot(
                figures.results, runs, points, lesson.shows[0], class_table.value_text(lesson, words),
                key=f"results_{lesson.key}", alt=title, height=_height(len(runs)),
            )  # fmt: skip
        else:
            st.caption(words("class.nothing_measured"))


def _height(rows: int) -> int:
    return ROW_HEIGHT * rows + AXIS_HEIGHT


def _before_and_after(entries: Sequence[ClassEntry], lesson: Lesson, words: Words) -> None:
    """How many had the question right before and after the lesson."""
    found = class_table.answered(entries, lesson)
    if not found.count:
        return
    st.markdown(f"**{words('class.checked')}**", help=words("class.checked_help"))
    st.table(class_table.checked_rows(found, words))
    st.caption(words("class.learnt", before=found.right_before, after=found.right_after, count=found.count))


def _texts(lesson: Lesson, words: Words) -> dict[str, Callable]:
    """How what a lesson measures first is written, for each of its runs' columns."""
    return {words(f"lesson.{lesson.key}.run.{run.name}"): class_table.value_text(lesson, words) for run in lesson.runs}


def _result(token: str) -> dict | None:
    try:
        return jobs.shared().result(token)
    except FreezeError:
        return None
