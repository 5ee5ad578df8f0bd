"""One lesson: a guess, runs measured one after another on this machine, and what they showed."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import state
from app.figures.lesson import lesson_runs
from app.link import Link
from app.parts import classroom, job, show_errors
from app.parts.plot import plot
from app.service import lessons
from app.service.lessons import Lesson
from app.service.selection import select
from app.text import Words
from freezecore.errors import FreezeError
from freezecore.report import count_text, number_text
from freezecore.serving import jobs

ROW_HEIGHT, AXIS_HEIGHT = 52, 70  # pixels


def is_measuring(lesson: Lesson) -> bool:
    """Whether its runs are under way."""
    return bool(_notes(lesson).get("measuring"))


def _notes(lesson: Lesson) -> dict:
    """This visit's guess, tokens of the runs, and whether more are to come; at first what the link says of them."""
    notes, link = state.notes(f"lesson_{lesson.key}"), state.link()
    if not notes and link.guess in lesson.guesses and lesson_named(link.lesson) is lesson:
        notes.update(guess=link.guess, tokens=[], measuring=False)
        for token in link.runs.split(",")[: len(lesson.runs)] if link.runs else []:
            try:
                notes["measuring"] = jobs.shared().status(token).live
            except FreezeError:
                break  # a link cut short, or of another server: what is missing can be measured
            notes["tokens"].append(token)
    return notes


def put_in_link(lesson: Lesson) -> None:
    """The link names this lesson, what was guessed in it, and the runs that answered."""
    notes = _notes(lesson)
    state.change(lesson=lesson.key, guess=notes.get("guess"), runs=",".join(notes.get("tokens", ())) or None)


def lesson_page(lesson: Lesson) -> None:
    """Draw the lesson, and move on to its next run when one has ended."""
    words = state.words()
    notes = _notes(lesson)
    asked, drawn = st.columns([5, 6], gap="large")
    with drawn, show_errors.telling():
        _drawn(lesson, notes, words)
    with asked:
        _asked(lesson, notes, words)


def _drawn(lesson: Lesson, notes: dict, words: Words) -> None:
    """Each run's network, what trains and what stands still, with a bar for what was measured by now."""
    source = lesson.request(lesson.runs[0]).source
    link = Link(model=lesson.model, task=source.task)
    masks = [select(replace(link, rules=run.rules)).mask for run in lesson.runs]
    ended = [jobs.shared().result(token) or {} for token in notes.get("tokens", ())]
    results = [*ended, *[{}] * (len(lesson.runs) - len(ended))]
    names = [words(f"lesson.{lesson.key}.run.{run.name}") for run in lesson.runs]
    shown = lesson.shows[0]
    st.markdown(f"**{words('learn.drawn')}**")
    st.caption(words("learn.drawn_how"))

    def text(value: float) -> str:
        return _cell(shown, {shown: value}, words)

    height = ROW_HEIGHT * len(names) + AXIS_HEIGHT
    plot(lesson_runs, names, masks, results, shown, text, key="lesson_runs", alt=words("learn.drawn"), height=height)


def _asked(lesson: Lesson, notes: dict, words: Words) -> None:
    """The question, the guess, and what was measured."""
    st.subheader(words(f"lesson.{lesson.key}.title"))
    st.markdown(words(f"lesson.{lesson.key}.question"))
    if "guess" in notes and state.value(f"w_guess_{lesson.key}") is None:
        state.fill(f"w_guess_{lesson.key}", notes["guess"])
    st.radio(
        words("learn.guess"),
        lesson.guesses,
        index=None,
        horizontal=True,
        key=f"w_guess_{lesson.key}",
        format_func=lambda name: words(f"lesson.{lesson.key}.guess.{name}"),
        disabled=bool(notes.get("tokens")),
        on_change=_guessed,
        args=(lesson,),
    )
    if notes.get("measuring"):
        _measure(lesson, notes, words)
    if notes.get("tokens"):
        _table(lesson, notes, words)
    if not notes.get("measuring"):
        _buttons_or_verdict(lesson, notes, words)


def _buttons_or_verdict(lesson: Lesson, notes: dict, words: Words) -> None:
    """What can be done while nothing is measured."""
    done = len(notes.get("tokens", ()))
    if done < len(lesson.runs):
        st.button(
            words("learn.rest") if done else words("learn.measure"),
            type="primary",
            icon=":material/timer:",
            key=f"measure_{lesson.key}",
            on_click=_start,
            args=(lesson,),
            disabled="guess" not in notes,
        )
    else:
        _verdict(lesson, notes, words)


@show_errors.acting
def _guessed(lesson: Lesson) -> None:
    notes = _notes(lesson)
    notes["guess"] = state.value(f"w_guess_{lesson.key}")
    put_in_link(lesson)
    classroom.record(lesson, notes["guess"], [])
    st.rerun()


@show_errors.acting
def _start(lesson: Lesson) -> None:
    notes = _notes(lesson)
    notes.setdefault("tokens", [])
    _start_next(lesson, notes)
    notes["measuring"] = True
    st.rerun()


def _start_next(lesson: Lesson, notes: dict) -> None:
    notes["tokens"].append(job.start(lesson.request(lesson.runs[len(notes["tokens"])])))
    put_in_link(lesson)


def _measure(lesson: Lesson, notes: dict, words: Words) -> None:
    """Show the run in progress; start the next when it has ended, and stop when it was the last or cannot start."""
    count = len(lesson.runs)
    if not jobs.shared().status(notes["tokens"][-1]).live:
        if len(notes["tokens"]) == count:
            notes["measuring"] = False
            classroom.record(lesson, notes["guess"], notes["tokens"])
            st.rerun()
        try:
            _start_next(lesson, notes)
        except FreezeError as error:
            notes["measuring"] = False
            state.leave_message(words("learn.partly", problem=words.said(error.problem)), error.hint)
        st.rerun()
    number = len(notes["tokens"])
    name = words(f"lesson.{lesson.key}.run.{lesson.runs[number - 1].name}")
    st.progress((number - 1) / count, text=words("learn.running", number=number, count=count, name=name))
    if state.control(notes["tokens"][-1]):  # a run found again by its link is somebody else's to stop
        st.button(words("learn.stop"), key=f"stop_{lesson.key}", icon=":material/stop:", on_click=_stop, args=(lesson,))


@show_errors.acting
def _stop(lesson: Lesson) -> None:
    notes = _notes(lesson)
    notes["measuring"] = False
    if control := state.control(notes["tokens"].pop()):
        jobs.shared().stop(control)
    put_in_link(lesson)
    st.rerun()


def _table(lesson: Lesson, notes: dict, words: Words) -> None:
    st.markdown(f"**{words('learn.measured')}**")
    rows = []
    for run, token in zip(lesson.runs, notes["tokens"], strict=False):
        result = jobs.shared().result(token) or {}
        row = {words("learn.run"): words(f"lesson.{lesson.key}.run.{run.name}")}
        row |= {words(f"shown.{name}"): _cell(name, result, words) for name in lesson.shows}
        rows.append(row)
    st.table(rows)


def _cell(name: str, result: dict, words: Words) -> str:
    if name == "buffers":
        return str((result.get("proof") or {}).get("buffers", "…"))
    value = result.get(name)
    if value is None:
        return "…"
    if name == "trainable":
        return count_text(value)
    if name in ("seconds", "step_s"):
        return words.seconds(value)
    return f"{value:.3f}" if "accuracy" in name else number_text(value)


def _verdict(lesson: Lesson, notes: dict, words: Words) -> None:
    answer = lesson.answer([jobs.shared().result(token) for token in notes["tokens"]])
    guess, measured = (words(f"lesson.{lesson.key}.guess.{key}") for key in (notes["guess"], answer or notes["guess"]))
    if answer == notes["guess"]:
        st.success(words("learn.right", guess=guess), icon=":material/check_circle:")
    elif answer:
        st.markdown(":material/explore: " + words("learn.surprise", guess=guess, measured=measured))
    st.info(f"**{words('learn.showed')}**  \n" + words(f"lesson.{lesson.key}.showed"), icon=":material/lightbulb:")
    st.warning(f"**{words('learn.careful')}**  \n" + words(f"lesson.{lesson.key}.careful"), icon=":material/balance:")
    st.button(words("learn.again"), key=f"again_{lesson.key}", on_click=_again, args=(lesson,))


@show_errors.acting
def _again(lesson: Lesson) -> None:
    state.forget_notes(f"lesson_{lesson.key}")
    state.change(guess=None, runs=None)
    state.fill(f"w_guess_{lesson.key}", None)
    st.rerun()


def lesson_named(key: str | None) -> Lesson:
    """The lesson of a link; the first where the link names none."""
    return lessons.BY_KEY.get(key or "", lessons.LESSONS[0])
