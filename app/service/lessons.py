"""The six lessons as data: what is guessed, and which runs answer it on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from app.link import DEFAULT_MODEL
from freezecore.packaged import DEFAULT_TEXT_SOURCE
from freezecore.probe import ProbeRequest
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

HEAD = "freeze all; train head"
EVERYTHING = "train all"


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
        verdict: from the results by run's name, which of the guesses they bear out.
    """

    key: str
    guesses: tuple[str, ...]
    runs: tuple[LessonRun, ...]
    shows: tuple[str, ...]
    verdict: Callable[[dict[str, dict]], str]
    model: str = DEFAULT_MODEL
    data: str = "shapes"
    options: dict[str, object] = field(default_factory=dict)

    def request(self, run: LessonRun) -> ProbeRequest:
        """The probe that measures one of its runs."""
        options = {"steps": 60, "train_size": 300, "test_size": 400, **self.options, **run.options}
        weights = options.pop("weights", "pretrained")
        task = "sequence-classification" if self.model == DEFAULT_TEXT_SOURCE else None
        source = ModelSource.parse(self.model, weights=weights, task=task)
        return ProbeRequest(source, FreezeSpec.parse(run.rules), data=self.data, **options)

    def answer(self, results: list[dict | None]) -> str | None:
        """The guess that was right, here and now; None where a run did not end well."""
        if len(results) < len(self.runs) or any(not result or result["state"] != "done" for result in results):
            return None
        return self.verdict({run.name: result for run, result in zip(self.runs, results, strict=True)})


def _enough(results: dict[str, dict]) -> str:
    head, everything = results["head"]["interval"], results["all"]["interval"]
    if head[0] <= everything[1] and everything[0] <= head[1]:
        return "same"
    return "head" if head > everything else "all"


def _winner(results: dict[str, dict]) -> str:
    accuracy = {name: result["accuracy_after"] for name, result in results.items()}
    rates = {name.partition("_")[2] for name in accuracy}
    won = {"head" if accuracy[f"head_{rate}"] > accuracy[f"all_{rate}"] else "all" for rate in rates}
    return won.pop() if len(won) == 1 else "depends"


def _moved(results: dict[str, dict]) -> str:
    moved = results["hold"]["proof"]["buffers"] - results["update"]["proof"]["buffers"]
    return "none" if not moved else "few" if moved <= 100 else "many"


def _overfits(results: dict[str, dict]) -> str:
    lost = {name: result["train_accuracy_after"] - result["accuracy_after"] for name, result in results.items()}
    return max(("all", "last", "head"), key=lost.__getitem__)


def _slowest(results: dict[str, dict]) -> str:
    return max(results, key=lambda name: results[name]["step_s"])


def _saved(results: dict[str, dict]) -> str:
    saved = 1 - results["embeddings"]["step_s"] / results["all"]["step_s"]
    shares = {"half": 1 / 2, "third": 1 / 3, "tenth": 1 / 10}
    return min(shares, key=lambda name: abs(shares[name] - saved))


def _race() -> tuple[LessonRun, ...]:
    rates = {"high": 5e-3, "middle": 5e-4, "low": 5e-5}
    return tuple(
        LessonRun(f"{what}_{name}", rules, {"learning_rate": rate, "head_learning_rate": rate})
        for name, rate in rates.items()
        for what, rules in (("head", HEAD), ("all", EVERYTHING))
    )


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
        _enough,
        options={"image_size": 96},
    ),
    Lesson(
        "race",
        ("head", "all", "depends"),
        _race(),
        ("accuracy_after", "learning_rate"),
        _winner,
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
        _moved,
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
        _overfits,
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
        _slowest,
        options={"image_size": 96, "steps": 10},
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
        _saved,
        model=DEFAULT_TEXT_SOURCE,
        data="docstrings",
        options={"steps": 12, "train_size": None, "test_size": None},
    ),
)
BY_KEY = {lesson.key: lesson for lesson in LESSONS}
