"""The seven lessons as data: what is guessed, and which runs answer it on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from freezecore.mask import Mask
from freezecore.packaged import DEFAULT_TEXT_SOURCE
from freezecore.probe import ProbeRequest
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

from ..link import DEFAULT_MODEL, Link
from ..text import Words
from . import verdicts
from .selection import select
from .verdicts import Judge, Verdict

SHAPES = 10  # classes to tell apart
HEAD = "freeze all; train head"
EVERYTHING = "train all"
ADAPTERS = "freeze all; train adapters head"


@dataclass(frozen=True)
class LessonRun:
    """One run of a lesson.

    Attributes:
        name: key of its words under `lesson.KEY.run`.
        rules: what trains.
        options: fields of the probe's request that differ from the lesson's.
    """

    name: str
    rules: str
    options: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes:
        key: its name in links and words.
        guesses: keys of the answers to choose from.
        runs: what is measured, in order.
        shows: which measurements its table is about.
        judge: from the results by run's name, which of the guesses they bear out.
        checks: the right answers to the questions asked before and after, as keys of their words.
    """

    key: str
    guesses: tuple[str, ...]
    runs: tuple[LessonRun, ...]
    shows: tuple[str, ...]
    judge: Judge
    checks: tuple[str, str]
    model: str = DEFAULT_MODEL
    data: str = "shapes"
    options: dict[str, object] = field(default_factory=dict)

    def request(self, run: LessonRun) -> ProbeRequest:
        """The probe that measures one of its runs."""
        options = {"steps": 60, "train_size": 300, "test_size": 400, **self.options, **run.options}
        weights, adapter = options.pop("weights", "pretrained"), options.pop("adapter", None)
        task = "sequence-classification" if self.model == DEFAULT_TEXT_SOURCE else None
        source = ModelSource.parse(self.model, weights=weights, task=task, adapter=adapter)
        return ProbeRequest(source, FreezeSpec.parse(run.rules), data=self.data, **options)

    @property
    def links(self) -> list[Link]:
        """What trains in each of its runs, as a link says it."""
        task, labels = self.request(self.runs[0]).source.task, SHAPES if self.data == "shapes" else None
        link = Link(model=self.model, task=task, labels=labels)
        return [replace(link, rules=run.rules, adapter=run.options.get("adapter")) for run in self.runs]

    def masks(self, tree_of: Callable[[Link], LayerTree | None] = lambda link: None) -> list[Mask]:
        """What trains in each of its runs; `tree_of` gives a model's layers where nobody here reads models."""
        return [select(link, tree_of(link)).mask for link in self.links]

    def verdict(self, results: list[dict | None]) -> Verdict | None:
        """What was measured here and now comes to; None where a run did not end well."""
        if len(results) < len(self.runs) or any(not result or result["state"] != "done" for result in results):
            return None
        return self.judge({run.name: result for run, result in zip(self.runs, results, strict=True)})


def _race() -> tuple[LessonRun, ...]:
    rates = {"high": 5e-3, "middle": 5e-4, "low": 5e-5}
    return tuple(
        LessonRun(f"{what}_{name}", rules, {"learning_rate": rate, "head_learning_rate": rate})
        for name, rate in rates.items()
        for what, rules in (("head", HEAD), ("all", EVERYTHING))
    )


CHOICES = ("a", "b", "c")  # of the questions before and after
LESSONS: tuple[Lesson, ...] = (
    Lesson(
        "enough",
        ("head", "same", "all"),
        (
            LessonRun("head", HEAD),
            LessonRun("all", EVERYTHING),
            LessonRun("random", HEAD, {"weights": "random"}),
        ),
        ("accuracy_after", "trainable", "seconds"),
        verdicts.enough,
        ("b", "b"),
        options={"image_size": 96},
    ),
    Lesson(
        "race",
        ("head", "all", "depends"),
        _race(),
        ("accuracy_after", "learning_rate"),
        verdicts.winner,
        ("b", "a"),
        options={"image_size": 96, "steps": 40},
    ),
    Lesson(
        "moves",
        ("none", "few", "many"),
        (
            LessonRun("hold", HEAD),
            LessonRun("update", f"{HEAD}; norms update", {"cache": False}),
            LessonRun("small_hold", HEAD, {"batch_size": 4}),
            LessonRun("small_update", f"{HEAD}; norms update", {"batch_size": 4, "cache": False}),
        ),
        ("accuracy_after", "buffers"),
        verdicts.moved,
        ("b", "c"),
        options={"image_size": 96, "steps": 40},
    ),
    Lesson(
        "twenty",
        ("all", "last", "head"),
        (
            LessonRun("all", EVERYTHING),
            LessonRun("held", "freeze norms"),
            LessonRun("last", "freeze all; train blocks:last1; train head"),
            LessonRun("head", HEAD, {"head_learning_rate": 1e-3}),
        ),
        ("accuracy_after", "train_accuracy_after"),
        verdicts.overfits,
        ("b", "b"),
        options={"image_size": 96, "train_size": 20, "batch_size": 10, "steps": 40},
    ),
    Lesson(
        "position",
        ("stem", "head", "last"),
        (
            LessonRun("stem", "freeze all; train stem", {"cache": False}),
            LessonRun("head", HEAD, {"cache": False}),
            LessonRun("last", "freeze all; train stages:last3", {"cache": False}),
        ),
        ("step_s", "trainable"),
        verdicts.fastest,
        ("a", "b"),
        options={"image_size": 96, "steps": 14},
    ),
    Lesson(
        "bert",
        ("half", "third", "tenth"),
        (
            LessonRun("all", EVERYTHING, {"cache": False}),
            LessonRun("embeddings", "freeze embeddings", {"cache": False}),
            LessonRun("five", "freeze embeddings; freeze blocks:first5", {"cache": False}),
        ),
        ("step_s", "trainable", "accuracy_after"),
        verdicts.saved,
        ("b", "b"),
        model=DEFAULT_TEXT_SOURCE,
        data="docstrings",
        options={"steps": 14, "train_size": None, "test_size": None},
    ),
    Lesson(
        "adapter",
        ("lora", "last", "same"),
        (
            LessonRun("lora", ADAPTERS, {"adapter": "lora r=8", "cache": False}),
            LessonRun("last", "freeze all; train blocks:last2; train head", {"cache": False}),
            LessonRun("all", EVERYTHING, {"cache": False}),
        ),
        ("peak_bytes", "trainable", "accuracy_after"),
        verdicts.leaner,
        ("b", "c"),
        model=DEFAULT_TEXT_SOURCE,
        data="docstrings",
        options={"steps": 14, "train_size": None, "test_size": None},
    ),
)
BY_KEY = {lesson.key: lesson for lesson in LESSONS}


def title(key: str, words: Words) -> str:
    """`2 · …`: the lesson's place in their order, and what it is called."""
    return f"{list(BY_KEY).index(key) + 1} · {words(f'lesson.{key}.title')}"
