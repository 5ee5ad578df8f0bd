"""What a lesson says in words: its results, what decided them, and whether a guess was right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Literal

from freezecore.mask import Mask
from freezecore.report import bytes_text, count_text, number_text

from ..text import Words
from . import verdicts
from .lessons import Lesson

Judged = Literal["noisy", "right", "surprise"]


def rows(lesson: Lesson, results: Sequence[Mapping], words: Words) -> list[dict[str, str]]:
    """A row for each run that has begun: what trained, and what the lesson shows of it."""
    return [
        {words("learn.run"): words(f"lesson.{lesson.key}.run.{run.name}")}
        | {words(f"shown.{name}"): cell(name, result, words) for name in lesson.shows}
        for run, result in zip(lesson.runs, results, strict=False)
    ]


def counts(lesson: Lesson, masks: Sequence[Mask]) -> dict[str, str]:
    """Weights that train in each of its runs, as its question names them."""
    return {run.name: count_in_question(mask.trainable) for run, mask in zip(lesson.runs, masks, strict=True)}


def cell(name: str, result: Mapping, words: Words) -> str:
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


def judged(lesson: Lesson, guess: str, found: verdicts.Verdict, words: Words) -> tuple[Judged, str]:
    """Whether the guess was right, or that noise hides it, and the sentence that says so."""
    chosen = words(f"lesson.{lesson.key}.guess.{guess}")
    if found.answer == verdicts.NOISY:
        names = [words(f"lesson.{lesson.key}.guess.{key}") for key in found.left]
        key = "learn.noisy" if guess in found.left else "learn.noisy_without" if names else "learn.noisy_none"
        quoted = [words("learn.quoted", guess=name) for name in names] or [""]
        left = reduce(lambda one, other: words("learn.or", one=one, other=other), quoted)
        return "noisy", words(key, guess=chosen, left=left)
    if found.answer == guess:
        return "right", words("learn.right", guess=chosen)
    answer = words(f"lesson.{lesson.key}.guess.{found.answer}")
    return "surprise", words("learn.surprise", guess=chosen, measured=answer)


def heading(found: verdicts.Verdict, words: Words) -> str:
    """What stands over the figures: that they show something only where noise does not hide it."""
    return words("learn.showed_noisy" if found.answer == verdicts.NOISY else "learn.showed")


def comparison(lesson: Lesson, one: verdicts.Contrast, words: Words) -> str:
    """`head, 0.005 − everything, 0.005: +17.7 points (95 %: +13.0 to +22.4)`."""
    names = {side: words(f"lesson.{lesson.key}.run.{name}") for side, name in (("one", one.one), ("other", one.other))}
    shares = (-one.value, -one.high, -one.low) if one.kind == "saved" else (one.value, one.low, one.high)
    value, low, high = (f"{100 * share:+.1f}".replace("-", "−") for share in shares)
    return words(f"learn.by_{one.kind}", **names, value=value, low=low, high=high)


def answered(lesson: Lesson, given: Mapping[str, str], words: Words) -> list[tuple[bool, str, str]]:
    """Of each question that was answered: whether rightly, which it was, and the right answer, said to be it where
    another was given."""
    found = []
    for when, right in zip(("before", "after"), lesson.checks, strict=True):
        if answer := given.get(when):
            text, is_right = words(f"lesson.{lesson.key}.{when}.{right}"), answer == right
            text = text if is_right else words("learn.right_answer", answer=text)
            found.append((is_right, words(f"learn.{when}"), text))
    return found


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
