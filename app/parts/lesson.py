"""One lesson: a guess, runs measured one after another on this machine, and what they showed."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import streamlit as st

from freezecore.errors import FreezeError
from freezecore.serving import jobs
from freezecore.serving.analyst import client as analyst

from .. import state
from ..figures.lesson import lesson_runs
from ..service import lesson_texts, lessons, run_events
from ..service.lessons import Lesson
from ..text import Words
from . import classroom, job, lesson_outcome, show_errors
from .data import class_text, samples_html
from .glossary import with_terms
from .plot import plot

ROW_HEIGHT, AXIS_HEIGHT = 52, 70  # pixels
MOST_SAMPLES = 6


def is_measuring(lesson: Lesson) -> bool:
    """Whether its runs are under way."""
    return bool(_notes(lesson).get("measuring"))


def _notes(lesson: Lesson) -> dict:
    """This visit's guess, tokens of the runs, and whether more are to come; at first what the link says of them."""
    notes, link = state.notes(f"lesson_{lesson.key}"), state.link()
    opened = link.guess in lesson.guesses and lesson_named(link.lesson) is lesson
    if opened and "tokens" not in notes and not notes.get("again"):
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
    with drawn, show_errors.telling():
        _samples(lesson, words)


def _drawn(lesson: Lesson, notes: dict, words: Words) -> None:
    """Each run's network, what trains and what stands still, with a bar for what was measured by now."""
    masks = lesson.masks()
    begun = [lesson_outcome.measured(token) for token in notes.get("tokens", ())]
    results = [*begun, *[{}] * (len(lesson.runs) - len(begun))]
    names = [words(f"lesson.{lesson.key}.run.{run.name}") for run in lesson.runs]
    shown = lesson.shows[0]
    st.markdown(f"**{words('learn.drawn')}**")
    with_terms(words("learn.drawn_how"), words, "lesson")

    def text(value: float) -> str:
        return lesson_texts.cell(shown, {shown: value}, words)

    height = ROW_HEIGHT * len(names) + AXIS_HEIGHT
    plot(lesson_runs, names, masks, results, shown, text, key="lesson_runs", alt=words("learn.drawn"), height=height)


def _samples(lesson: Lesson, words: Words) -> None:
    """Some of what the model is to tell apart."""
    preview = analyst.shared().preview(replace(lesson.request(lesson.runs[0]), metric=None))
    some = [
        (one.picture, one.text, escape(class_text(lesson.data, one.target, words)))
        for one in preview.samples[:MOST_SAMPLES]
    ]
    st.markdown(f"**{words('learn.samples')}**")
    st.html(samples_html(some, words))


def _asked(lesson: Lesson, notes: dict, words: Words) -> None:
    """The question, the guess, and what was measured; before and after them a question on what it is about."""
    st.subheader(words(f"lesson.{lesson.key}.title"))
    if notes.get("before") or not notes.get("tokens"):
        with st.container(border=True, gap="small"):
            _check(lesson, notes, "before", words)
    st.markdown(words(f"lesson.{lesson.key}.question", **lesson_texts.counts(lesson, lesson.masks())))
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
    classroom.nickname_missing(lesson, words)
    if notes.get("measuring"):
        _measure(lesson, notes, words)
    if notes.get("tokens"):
        lesson_outcome.table(lesson, notes, words)
    if not notes.get("measuring"):
        _buttons_or_verdict(lesson, notes, words)


def _check(lesson: Lesson, notes: dict, when: str, words: Words) -> None:
    """A question on what the lesson is about: `before` it, and another of the same kind `after` it."""
    key, of = f"w_{when}_{lesson.key}", f"lesson.{lesson.key}.{when}"
    seen = notes.get("after") if when == "after" else notes.get("tokens") or notes.get("again")  # the right answer
    if state.value(key) is None and notes.get(when):
        state.fill(key, notes[when])
    st.radio(
        f"{words(f'learn.{when}')} {words(f'{of}.question')}",
        lessons.CHOICES,
        index=None,
        key=key,
        format_func=lambda choice: words(f"{of}.{choice}"),
        disabled=bool(seen),
        on_change=_checked,
        args=(lesson, when),
    )


@show_errors.acting
def _checked(lesson: Lesson, when: str) -> None:
    _notes(lesson)[when] = state.value(f"w_{when}_{lesson.key}")
    classroom.record(lesson)
    st.rerun()


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
        requests = [lesson.request(run) for run in lesson.runs[done:]]
        asked = [each for each in requests if _measures_anew(notes) or not jobs.shared().is_answered(each)]
        left = [job.expected_s(each) for each in asked]
        if not asked:
            st.caption(words("learn.at_once"))
        elif None not in left:
            st.caption(words("learn.expected", time=words.seconds(job.rounded(sum(left)))))
    else:
        _verdict(lesson, notes, words)


@show_errors.acting
def _guessed(lesson: Lesson) -> None:
    notes = _notes(lesson)
    notes["guess"] = state.value(f"w_guess_{lesson.key}")
    put_in_link(lesson)
    classroom.record(lesson)
    st.rerun()


@show_errors.acting
def _start(lesson: Lesson) -> None:
    notes = _notes(lesson)
    notes.setdefault("tokens", [])
    _start_next(lesson, notes)
    notes["measuring"] = True
    st.rerun()


def _start_next(lesson: Lesson, notes: dict) -> None:
    notes["alone"] = _measures_anew(notes)
    notes["tokens"].append(job.start(lesson.request(lesson.runs[len(notes["tokens"])]), notes["alone"]))
    put_in_link(lesson)


def _measures_anew(notes: dict) -> bool:
    """Whether no stored run may answer."""
    return bool(notes.get("again")) or classroom.measures_for_oneself()


def _is_answered_by_now(lesson: Lesson, notes: dict) -> bool:
    """Whether the run that was asked for last need not be waited for: meanwhile the teacher has had the class share."""
    if not notes.get("alone", True) or _measures_anew(notes) or not job.control(notes["tokens"][-1]):
        return False
    return jobs.shared().is_answered(lesson.request(lesson.runs[len(notes["tokens"]) - 1]))


def _measure(lesson: Lesson, notes: dict, words: Words) -> None:
    """Show the run in progress; start the next when it has ended, and stop when it was the last or cannot start."""
    count = len(lesson.runs)
    status = jobs.shared().status(notes["tokens"][-1])
    if status.position is not None and _is_answered_by_now(lesson, notes):
        job.stop(notes["tokens"].pop())
        _start_next(lesson, notes)
        st.rerun()
    if not status.live:
        if len(notes["tokens"]) == count:
            notes["measuring"] = False
            classroom.record(lesson)
            st.rerun()
        try:
            _start_next(lesson, notes)
        except FreezeError as error:
            notes["measuring"] = False
            state.leave_message(words("learn.partly", problem=words.said(error.problem)), error.hint)
        st.rerun()
    number = len(notes["tokens"])
    name = words(f"lesson.{lesson.key}.run.{lesson.runs[number - 1].name}")
    steps = run_events.losses(jobs.shared().events(notes["tokens"][-1]))
    share = steps[-1]["step"] / lesson.request(lesson.runs[number - 1]).steps if steps else 0.0
    text = words("learn.running", number=number, count=count, name=name)
    st.progress((number - 1 + min(share, 1.0)) / count, text=job.queue_text(status, words) or text)
    if job.control(notes["tokens"][-1]):  # a run found by somebody else's link is theirs to stop
        st.button(words("learn.stop"), key=f"stop_{lesson.key}", icon=":material/stop:", on_click=_stop, args=(lesson,))


@show_errors.acting
def _stop(lesson: Lesson) -> None:
    notes = _notes(lesson)
    notes["measuring"] = False
    job.stop(notes["tokens"].pop())
    put_in_link(lesson)
    st.rerun()


def _verdict(lesson: Lesson, notes: dict, words: Words) -> None:
    """What was measured comes to, with the intervals that decided it; then the question after, and the next lesson."""
    results = [lesson_outcome.measured(token) for token in notes["tokens"]]
    found = lesson.verdict(results)
    if found is None:
        st.warning(words("learn.unfinished"))
    else:
        lesson_outcome.show_verdict(lesson, notes, found, words)
        figures = lesson_texts.figures(lesson, results, words)
        showed = words(f"lesson.{lesson.key}.showed", **figures)
        st.info(f"**{lesson_texts.heading(found, words)}**  \n{showed}", icon=":material/lightbulb:")
        careful = words(f"lesson.{lesson.key}.careful")
        st.warning(f"**{words('learn.careful')}**  \n{careful}", icon=":material/balance:")
        with st.container(border=True, gap="small"):
            _check(lesson, notes, "after", words)
            _checks_answered(lesson, notes, words)
    with st.container(horizontal=True, gap="small"):
        st.button(
            words("learn.again"), key=f"again_{lesson.key}", icon=":material/replay:", on_click=_again, args=(lesson,)
        )
        number = lessons.LESSONS.index(lesson) + 1
        if number < len(lessons.LESSONS):
            following = lessons.LESSONS[number]
            title = lessons.title(following.key, words)
            st.button(
                words("learn.next", title=title), key=f"next_{lesson.key}", icon=":material/arrow_forward:",
                type="primary", on_click=_next, args=(following,),
            )  # fmt: skip


def _checks_answered(lesson: Lesson, notes: dict, words: Words) -> None:
    """Once the last question is answered: which answers were right."""
    if not notes.get("after"):
        return
    for is_right, question, answer in lesson_texts.answered(lesson, notes, words):
        mark = ":green[:material/check:]" if is_right else ":red[:material/close:]"
        st.markdown(f"{mark} **{question}** {answer}")


@show_errors.acting
def _next(lesson: Lesson) -> None:
    put_in_link(lesson)
    st.rerun()


@show_errors.acting
def _again(lesson: Lesson) -> None:
    """Guess and measure anew: no stored answer counts from now on, and what was answered before stays."""
    known = _notes(lesson)
    kept = {name: known[name] for name in ("before", "after") if name in known}
    state.forget_notes(f"lesson_{lesson.key}")
    state.change(guess=None, runs=None)
    state.notes(f"lesson_{lesson.key}").update(again=True, **kept)
    state.fill(f"w_guess_{lesson.key}", None)
    st.rerun()


def lesson_named(key: str | None) -> Lesson:
    """The lesson of a link; the first where the link names none."""
    return lessons.BY_KEY.get(key or "", lessons.LESSONS[0])
