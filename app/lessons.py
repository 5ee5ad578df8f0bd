"""The six lessons as data: what is guessed, and which runs answer it on the spot."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.link import DEFAULT_MODEL
from freezecore.probe import ProbeRequest
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

MINILM = "hf:sentence-transformers/all-MiniLM-L6-v2"
HEAD = "freeze all; train head"
EVERYTHING = "train all"


@dataclass(frozen=True)
class Measured:
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
        shows: which measurements its table and chart are about, the first one drawn.
    """

    key: str
    guesses: tuple[str, ...]
    runs: tuple[Measured, ...]
    shows: tuple[str, ...]
    model: str = DEFAULT_MODEL
    data: str = "shapes"
    options: dict[str, object] = field(default_factory=dict)

    def request(self, run: Measured) -> ProbeRequest:
        """The probe that measures one of its runs."""
        options = {"steps": 60, "train_size": 300, "test_size": 400, **self.options, **run.options}
        weights = options.pop("weights", "pretrained")
        task = "sequence-classification" if self.model == MINILM else None
        source = ModelSource.parse(self.model, weights=weights, task=task)
        return ProbeRequest(source, FreezeSpec.parse(run.rules), data=self.data, **options)


def _race() -> tuple[Measured, ...]:
    rates = {"high": 5e-3, "middle": 5e-4, "low": 5e-5}
    return tuple(
        Measured(f"{what}_{name}", rules, {"learning_rate": rate, "head_learning_rate": rate})
        for name, rate in rates.items()
        for what, rules in (("head", HEAD), ("all", EVERYTHING))
    )


LESSONS: tuple[Lesson, ...] = (
    Lesson(
        "enough",
        ("head", "same", "all"),
        (
            Measured("head", HEAD),
            Measured("all", EVERYTHING),
            Measured("random", HEAD, {"weights": "random"}),
        ),
        ("accuracy_after", "trainable", "seconds"),
        options={"image_size": 96},
    ),
    Lesson(
        "race",
        ("head", "all", "depends"),
        _race(),
        ("accuracy_after", "learning_rate"),
        options={"image_size": 96, "steps": 40},
    ),
    Lesson(
        "moves",
        ("none", "few", "many"),
        (
            Measured("hold", HEAD),
            Measured("update", f"{HEAD}; norms update", {"cache": False}),
            Measured("small_hold", HEAD, {"batch_size": 4}),
            Measured("small_update", f"{HEAD}; norms update", {"batch_size": 4, "cache": False}),
        ),
        ("accuracy_after", "buffers"),
        options={"image_size": 96, "steps": 40},
    ),
    Lesson(
        "twenty",
        ("all", "last", "head"),
        (
            Measured("all", EVERYTHING),
            Measured("held", "freeze norms"),
            Measured("last", "freeze all; train blocks:last1; train head"),
            Measured("head", HEAD),
        ),
        ("accuracy_after", "train_accuracy_after"),
        options={"image_size": 96, "train_size": 20, "batch_size": 10, "steps": 40},
    ),
    Lesson(
        "position",
        ("stem", "head", "last"),
        (
            Measured("stem", "freeze all; train stem", {"cache": False}),
            Measured("head", HEAD, {"cache": False}),
            Measured("last", "freeze all; train stages:last3", {"cache": False}),
        ),
        ("step_s", "trainable"),
        options={"image_size": 96, "steps": 10},
    ),
    Lesson(
        "bert",
        ("half", "third", "tenth"),
        (
            Measured("all", EVERYTHING, {"cache": False}),
            Measured("embeddings", "freeze embeddings", {"cache": False}),
            Measured("five", "freeze embeddings; freeze blocks:first5", {"cache": False}),
        ),
        ("step_s", "trainable", "accuracy_after"),
        model=MINILM,
        data="docstrings",
        options={"steps": 12, "train_size": None, "test_size": None},
    ),
)
BY_KEY = {lesson.key: lesson for lesson in LESSONS}
