"""The lessons of the page without a server: the server's texts, figures and verdicts, on what was recorded and on what
the reader's own browser has measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.figures.lesson import lesson_runs
from app.figures.style import CONFIG, palette_of
from app.link import DEFAULT_MODEL, Link
from app.service import lesson_texts, lessons
from app.service.lessons import BY_KEY, CHOICES, HEAD, LESSONS, Lesson, LessonRun
from app.service.terms import terms_html
from app.text import Words
from freezecore.datasets import SHAPES
from freezecore.mask import Mask
from freezecore.rates import learning_rates
from freezecore.statistics import wilson
from static import class_codes, recorded

ROW_HEIGHT, AXIS_HEIGHT = 52, 70  # pixels
MOST_SAMPLES = 6
OWN = "own"  # in place of a lesson: one's own pictures

Screen = dict[str, Any]
Notes = Mapping[str, Any]  # what a reader has answered: before, guess, after, shown, and `own`, results by run


def lesson_screen(link: Link, words: Words, asked: dict) -> Screen:
    """One lesson as it stands: question and guess, the drawing, and what was measured once the reader has asked."""
    if link.lesson == OWN:
        return {"lesson": OWN, "pills": pills(words)}
    lesson = lesson_of(link)
    notes = read_notes(lesson, asked.get("notes"), link)
    masks = lesson.masks(recorded.tree_of)
    results = results_of(lesson, notes)
    shown = bool(notes["shown"])
    return {
        "lesson": lesson.key,
        "pills": pills(words),
        "title": words(f"lesson.{lesson.key}.title"),
        "question": words(f"lesson.{lesson.key}.question", **lesson_texts.counts(lesson, masks)),
        "before": check(lesson, "before", notes, words) if notes["before"] or not shown else None,
        "guess": {
            "label": words("learn.guess"), "value": notes["guess"], "fixed": shown,
            "choices": [[one, words(f"lesson.{lesson.key}.guess.{one}")] for one in lesson.guesses],
        },
        "drawn": drawn(lesson, masks, results if shown else [{} for _ in results], words, asked),
        "samples": samples(lesson, words),
        "runs": runs_here(lesson, masks, words),
        "about": about(lesson, words),
        "results": outcome(lesson, notes, results, words) if shown else None,
        "next": following(lesson, words),
    }  # fmt: skip


def lesson_of(link: Link) -> Lesson:
    """The lesson of a link; the first where the link names none."""
    return BY_KEY.get(link.lesson or "", LESSONS[0])


def pills(words: Words) -> list[list[str]]:
    """What can be opened: each lesson, and one's own pictures."""
    return [*([key, lessons.title(key, words)] for key in BY_KEY), [OWN, words("site.own_title")]]


def following(lesson: Lesson, words: Words) -> list[str] | None:
    """The next lesson, or one's own pictures after the last: its key, and what its button says."""
    named = pills(words)
    key, title = named[[one for one, _ in named].index(lesson.key) + 1]
    return [key, words("learn.next", title=title)]


def read_notes(lesson: Lesson, notes: Any, link: Link) -> dict[str, Any]:
    """A reader's notes, of which only what fits the lesson is taken: a browser may have kept anything."""
    given = notes if isinstance(notes, dict) else {}
    found: dict[str, Any] = {
        name: given.get(name) if given.get(name) in CHOICES else "" for name in ("before", "after")
    }
    guesses = (given.get("guess"), link.guess)
    found["guess"] = next((one for one in guesses if one in lesson.guesses), None)
    found["shown"] = bool(given.get("shown")) and found["guess"] is not None
    own = given.get("own")
    found["own"] = (
        {name: result for name, result in own.items() if _fits(lesson, name, result)} if isinstance(own, dict) else {}
    )
    return found


def _fits(lesson: Lesson, name: str, result: Any) -> bool:
    run = next((run for run in lesson.runs if run.name == name and is_measured_here(lesson, run)), None)
    if run is None or not isinstance(result, dict):
        return False
    size, scores = lesson.request(run).test_size, result.get("scores")
    numbers = all(isinstance(result.get(key), int | float) for key in ("training", "seconds"))
    return numbers and isinstance(scores, str) and len(scores) == size and set(scores) <= {"0", "1"}


def is_measured_here(lesson: Lesson, run: LessonRun) -> bool:
    """Whether a browser can measure it: a new head alone on the pretrained body, whose features may be kept."""
    options = {**lesson.options, **run.options}
    plain = run.rules == HEAD and options.get("weights") != "random" and options.get("cache", True)
    return plain and lesson.model == DEFAULT_MODEL and lesson.data == "shapes"


def runs_here(lesson: Lesson, masks: list[Mask], words: Words) -> list[dict]:
    """What the reader's browser measures, as the probe there takes it."""
    asked = []
    for run, mask in zip(lesson.runs, masks, strict=True):
        if not is_measured_here(lesson, run):
            continue
        request = lesson.request(run)
        rates = learning_rates(mask, "image", body=request.learning_rate, head=request.head_learning_rate)
        asked.append({
            "name": run.name, "title": words(f"lesson.{lesson.key}.run.{run.name}"), "seed": request.seed,
            "steps": request.steps, "batch": request.batch_size, "rate": rates.head,
            "train": request.train_size, "test": request.test_size,
        })  # fmt: skip
    return asked


def results_of(lesson: Lesson, notes: Notes) -> list[dict]:
    """Each run's result: the reader's own where there is one, else the recorded."""
    return [
        {**kept, **_own(notes["own"][run.name])} if run.name in notes["own"] else kept
        for run, kept in zip(lesson.runs, recorded.of_lesson(lesson), strict=True)
    ]


def _own(result: dict) -> dict:
    scores = [int(one) for one in result["scores"]]
    return {
        "here": True, "per_sample": scores, "accuracy_after": sum(scores) / len(scores),
        "interval": wilson(sum(scores), len(scores)), "train_accuracy_after": float(result["training"]),
        "seconds": float(result["seconds"]), "step_s": None, "step_interval": None, "peak_bytes": None,
    }  # fmt: skip


def drawn(lesson: Lesson, masks: list[Mask], results: list[dict], words: Words, asked: dict) -> dict:
    """Each run's network, what trains and what stands still, with a bar for what was measured."""
    shown = lesson.shows[0]
    names = [words(f"lesson.{lesson.key}.run.{run.name}") for run in lesson.runs]
    palette = palette_of(asked.get("theme"))

    def text(value: float) -> str:
        return lesson_texts.cell(shown, {shown: value}, words)

    figure = lesson_runs(names, masks, results, shown, text, words, palette)
    how = terms_html(words("learn.drawn_how"), words, "lesson")
    return {"title": words("learn.drawn"), "html": how, "figure": figure, "config": CONFIG,
            "height": ROW_HEIGHT * len(names) + AXIS_HEIGHT}  # fmt: skip


def samples(lesson: Lesson, words: Words) -> dict:
    """Some of what the model is to tell apart: classes of the pictures in their order, or texts with theirs."""
    title = words("learn.samples")
    if lesson.data == "shapes":
        return {"title": title, "pictures": [words(f"shape.{name}") for name in SHAPES[:MOST_SAMPLES]]}
    return {"title": title, "texts": recorded.results()[lesson.key]["samples"]}


def about(lesson: Lesson, words: Words) -> str:
    """Which of the runs the reader's browser measures, and where the others were."""
    here = sum(is_measured_here(lesson, run) for run in lesson.runs)
    rest = len(lesson.runs) - here
    told = words("site.lesson_here", here=here, count=len(lesson.runs)) if here else ""
    return words.together(told, _where(lesson, words) if rest else "")


def _where(lesson: Lesson, words: Words) -> str:
    kept = recorded.results()[lesson.key]
    told = {name: kept[name] for name in ("when", "cores", "cpu", "load")}
    return words("site.recorded", torch=kept["versions"]["torch"], **told)


def check(lesson: Lesson, when: str, notes: Notes, words: Words) -> dict:
    """A question on what the lesson is about, before it or after it."""
    of = f"lesson.{lesson.key}.{when}"
    seen = notes["after"] if when == "after" else notes["shown"]  # the right answer
    return {
        "title": words(f"learn.{when}"), "question": words(f"{of}.question"), "value": notes[when], "fixed": bool(seen),
        "choices": [[choice, words(f"{of}.{choice}")] for choice in CHOICES],
    }  # fmt: skip


def outcome(lesson: Lesson, notes: Notes, results: list[dict], words: Words) -> dict:
    """The results as a table, the verdict on the guess, what it showed, and the question after."""
    rows = lesson_texts.rows(lesson, results, words)
    for row, result in zip(rows, results, strict=True):
        row[words("site.where")] = words("site.here" if result.get("here") else "site.elsewhere")
    found = lesson.verdict(results)
    told = {
        "title": words("learn.measured"), "about": about(lesson, words), "again": words("learn.again"),
        "table": {"head": list(rows[0]), "rows": [list(row.values()) for row in rows]},
    }  # fmt: skip
    if found is None:
        return {**told, "unfinished": words("learn.unfinished")}
    kind, text = lesson_texts.judged(lesson, notes["guess"], found, words)
    figures = lesson_texts.figures(lesson, results, words)
    return {
        **told,
        "kind": kind,
        "verdict": [text, *(lesson_texts.comparison(lesson, one, words) for one in found.comparisons)],
        "showed": [lesson_texts.heading(found, words), words(f"lesson.{lesson.key}.showed", **figures)],
        "careful": [words("learn.careful"), words(f"lesson.{lesson.key}.careful")],
        "after": check(lesson, "after", notes, words),
        "answered": lesson_texts.answered(lesson, notes, words) if notes["after"] else [],
    }


def code_of(asked: dict) -> list[str]:
    """The codes of everything that this reader has guessed, a lesson each: what the teacher is given."""
    codes = []
    for key, given in asked["notes"].items():
        lesson = BY_KEY.get(key)
        notes = lesson and read_notes(lesson, given, Link())
        if lesson and notes and notes["guess"]:
            hits = {name: result["scores"].count("1") for name, result in notes["own"].items()}
            mark, name = str(asked.get("mark") or "a"), str(asked.get("name") or "")
            answers = class_codes.Answers(lesson, notes["guess"], notes["before"], notes["after"], hits, mark, name)
            codes.append(answers.code)
    return codes
