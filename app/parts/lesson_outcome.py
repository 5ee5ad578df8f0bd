"""What a lesson's runs have measured by now, as a table, as texts, and as the verdict on a guess."""

from __future__ import annotations

from statistics import median

import streamlit as st

from freezecore.serving import jobs
from freezecore.statistics import median_interval

from ..service import lesson_texts, run_events, verdicts
from ..service.lessons import Lesson
from ..text import Words
from . import measured_under


def measured(token: str) -> dict:
    """What a run has measured, by now where it goes on, with the interval of its step's time."""
    queue = jobs.shared()
    events, result = queue.events(token), queue.result(token)
    times, scores = run_events.step_times(events), run_events.scores(events)
    found = {"step_interval": median_interval(times)}
    if result is not None:
        return {**result, **found}
    if times:
        found |= {"step_s": median(times)}
    if scores:
        found |= {"accuracy_after": scores[-1]["value"], "interval": (scores[-1]["low"], scores[-1]["high"])}
    return {**found, "live": True}


def table(lesson: Lesson, notes: dict, words: Words) -> None:
    """A row for each run, and when they were measured."""
    ended = [jobs.shared().status(token).ended for token in notes["tokens"]]
    when = measured_under.when(max(filter(None, ended), default=None), words)
    st.markdown(" · ".join(filter(None, (f"**{words('learn.measured')}**", when))))
    st.table(lesson_texts.rows(lesson, [jobs.shared().result(token) or {} for token in notes["tokens"]], words))


def show_verdict(lesson: Lesson, notes: dict, found: verdicts.Verdict, words: Words) -> None:
    """Whether the guess was right, or that noise hides it."""
    decided = "  \n".join(lesson_texts.comparison(lesson, one, words) for one in found.comparisons)
    kind, text = lesson_texts.judged(lesson, notes["guess"], found, words)
    if kind == "noisy":
        st.warning(f"{text}  \n{decided}", icon=":material/blur_on:")
    elif kind == "right":
        st.success(f"{text}  \n{decided}", icon=":material/check_circle:")
    else:
        st.markdown(f":material/explore: {text}  \n{decided}")
