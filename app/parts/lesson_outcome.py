"""What a lesson's runs have measured by now, as a table, as texts, and as the verdict on a guess."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import streamlit as st

from freezecore.report import bytes_text, count_text, number_text
from freezecore.serving import jobs
from freezecore.statistics import median_interval

from ..service import run_events, verdicts
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
    rows = []
    for run, token in zip(lesson.runs, notes["tokens"], strict=False):
        result = jobs.shared().result(token) or {}
        row = {words("learn.run"): words(f"lesson.{lesson.key}.run.{run.name}")}
        row |= {words(f"shown.{name}"): cell(name, result, words) for name in lesson.shows}
        rows.append(row)
    st.table(rows)


def cell(name: str, result: dict, words: Words) -> str:
    """One measurement as a text; `…` where it has not come yet."""
    if name == "buffers":
        return str((result.get("proof") or {}).get("buffers", "…"))
    value = result.get(name)
    if value is None:
        return "…"
    if name == "trainable":
        return count_text(value)
    if name in ("seconds", "step_s"):
        return words.seconds(value)
    if name == "peak_bytes":
        return bytes_text(value)
    return f"{value:.3f}" if "accuracy" in name else number_text(value)


def count_in_question(count: int) -> str:
    """`12,810`, `3.38 M`: as a question names it."""
    return f"{count:,}" if count < 100_000 else count_text(count)


def show_verdict(lesson: Lesson, notes: dict, found: verdicts.Verdict, words: Words) -> None:
    """Whether the guess was right, or that noise hides it."""
    decided = "  \n".join(_comparison(lesson, one, words) for one in found.comparisons)
    guess = words(f"lesson.{lesson.key}.guess.{notes['guess']}")
    if found.answer == verdicts.NOISY:
        names = [words(f"lesson.{lesson.key}.guess.{key}") for key in found.left]
        key = "learn.noisy" if notes["guess"] in found.left else "learn.noisy_without" if names else "learn.noisy_none"
        left = words("learn.or").join(words("learn.quoted", guess=name) for name in names)
        st.warning(f"{words(key, guess=guess, left=left)}  \n{decided}", icon=":material/blur_on:")
    elif found.answer == notes["guess"]:
        st.success(f"{words('learn.right', guess=guess)}  \n{decided}", icon=":material/check_circle:")
    else:
        answer = words(f"lesson.{lesson.key}.guess.{found.answer}")
        text = words("learn.surprise", guess=guess, measured=answer)
        st.markdown(f":material/explore: {text}  \n{decided}")


def _comparison(lesson: Lesson, one: verdicts.Contrast, words: Words) -> str:
    """`head, 0.005 − everything, 0.005: +17.7 points (95 %: +13.0 to +22.4)`."""
    names = {side: words(f"lesson.{lesson.key}.run.{name}") for side, name in (("one", one.one), ("other", one.other))}
    shares = (-one.value, -one.high, -one.low) if one.kind == "saved" else (one.value, one.low, one.high)
    value, low, high = (f"{100 * share:+.1f}".replace("-", "−") for share in shares)
    return words(f"learn.by_{one.kind}", **names, value=value, low=low, high=high)


def figures(lesson: Lesson, results: Sequence[dict], words: Words) -> dict[str, object]:
    """What was measured, as texts, by run and measurement; and what only some lessons speak of."""
    by_name = {run.name: result for run, result in zip(lesson.runs, results, strict=True)}
    names = (*lesson.shows, "accuracy_after")
    found: dict[str, object] = {
        name: {shown: cell(shown, result, words) for shown in names}
        | {"trainable": count_in_question(result["trainable"])}
        for name, result in by_name.items()
    }
    if lesson.judge is verdicts.moved:
        found["moved"] = verdicts.buffers_moved(by_name)
    if lesson.judge is verdicts.saved:
        share = 1 - by_name["embeddings"]["trainable"] / by_name["all"]["trainable"]
        found["share"] = f"{100 * share:.0f}"
    return found
