"""Which data a probe can train on: what is always there, how a person's own is named, and the limits on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

from freezecore.metrics import Target
from freezecore.sentences import say
from freezecore.tree import LayerTree

Kind = Literal["image", "text"]

MOST_FILES = 20_000
MOST_BYTES = 2_000_000_000  # of a file as it was given
MOST_UNPACKED_BYTES = 8_000_000_000  # of all members of a zip, or of a Parquet file's columns, together
MOST_EXPANSION = 200  # unpacked bytes for one packed byte: a photograph gives about 1, text about 10
MOST_PIXELS = 50_000_000  # of one picture
MOST_ROWS = 3_000_000
MOST_COLUMNS = 5_000
MOST_CLASSES = 1_000
LONGEST_TEXT = 20_000  # characters; what follows is cut off
HELD_OUT_SHARE = 0.25
TRAIN_SIZE, TEST_SIZE = 4_000, 1_000  # of a person's own, where nothing is asked for: a probe takes a minute
MOST_JSON_BYTES = 500_000_000  # of a file that is one JSON list
LONGEST_ROW = 5_000  # words of one tagged sentence
JSON_TYPES = (".jsonl", ".ndjson", ".json")
TAGGED_TYPES = (".conll", ".iob", ".bio", ".txt")
FILE_TYPES = (".zip", ".csv", ".tsv", ".parquet", *JSON_TYPES, *TAGGED_TYPES)
HUB = "hub:"
SMALLEST_VOCABULARY = 1_000


@dataclass(frozen=True)
class BuiltIn:
    """Data that is always there, without a network.

    Attributes:
        kind: which models can read it.
        description: one sentence for a page.
        classes: names of the classes, in the order of their numbers; empty when they depend on what is installed.
        train_size, test_size: samples to train on, and held out.
    """

    name: str
    kind: Kind
    description: str
    classes: tuple[str, ...]
    train_size: int
    test_size: int


SCENE_CLASSES = ("background", "circle", "square", "star")
SHAPES = ("circle", "ring", "triangle", "square", "star", "cross", "crescent", "stripes", "dots", "checker")
BUILT_IN: dict[str, BuiltIn] = {
    data.name: data
    for data in (
        BuiltIn(
            "shapes", "image", say("Ten kinds of shapes, drawn on the spot over noisy gradients."), SHAPES, 300, 600
        ),
        BuiltIn("digits", "image", say("Real handwritten digits, 8×8 pixels."), tuple("0123456789"), 300, 600),
        BuiltIn(
            "docstrings",
            "text",
            say("Which installed library wrote this sentence? Its own name is removed."),
            (),
            320,
            400,
        ),
    )
}


OF_SCENES: dict[str, BuiltIn] = {  # what `shapes` is to a model of such a task
    "object-detection": BuiltIn(
        "shapes", "image", say("One to three drawn shapes in a picture: where is what?"), SCENE_CLASSES, 300, 150
    ),
    "semantic-segmentation": BuiltIn(
        "shapes", "image", say("One to three drawn shapes in a picture: which pixel is what?"), SCENE_CLASSES, 300, 150
    ),
}
OF_TOKENS: dict[str, BuiltIn] = {  # what `docstrings` is to a model of such a task
    "causal-lm": BuiltIn(
        "docstrings", "text", say("Sentences from installed libraries: what comes next?"), (), 640, 400
    ),
    "token-classification": BuiltIn(
        "docstrings",
        "text",
        say("Which words of a sentence did its author mark as code: a parameter, a value, another name?"),
        (),
        640,
        400,
    ),
}


def built_in(name: str, task: str | None = None) -> BuiltIn:
    """The built-in data of this name, as a model of this task is tried on it."""
    of_task = {"docstrings": OF_TOKENS, "shapes": OF_SCENES}.get(name, {})
    return of_task[task] if task in of_task else BUILT_IN[name]


def kind_for(tree: LayerTree) -> Kind:
    """What the model reads: text where it has a table of embeddings with a row a word, else pictures."""
    tables = (p.shape for p in tree.parameters if p.kind == "embedding" and len(p.shape) == 2)
    return "text" if any(rows >= SMALLEST_VOCABULARY for rows, _ in tables) else "image"


def default_for(kind: Kind) -> str:
    """The built-in data that a probe of such a model starts with."""
    return "docstrings" if kind == "text" else "shapes"


@dataclass(frozen=True)
class ClassCount:
    """How many samples of one class there are."""

    name: str
    train: int
    test: int


@dataclass(frozen=True)
class SamplePreview:
    """One sample to look at: a text, or a picture as a `data:` address; and what it is."""

    target: str
    text: str | None = None
    picture: str | None = None


@dataclass(frozen=True)
class DataPreview:
    """A look at data before anything is trained.

    Attributes:
        classes: class balance, in the order of their numbers; of tags, their words; empty for values and free text.
        values: smallest, median and largest value; None for classes.
        lengths: how many texts have up to so many words or tokens, as (length, texts); empty for pictures.
        counted: what `lengths` counts: `tokens` of the request's model, `words` where it brings no tokenizer.
        sequence_length: tokens that a probe takes where none are asked for; None where words are counted.
        notes: what was left out or looks odd, a sentence each.
        columns: of a table, the column taken for each of `text`, `target`, `text_pair`, `group` and `fold`.
        choices: all columns of a table.
        split: how samples to train on and samples held out were told apart, as a sentence.
        target: what there is to learn of each sample.
    """

    name: str
    kind: Kind
    train_size: int
    test_size: int
    classes: tuple[ClassCount, ...] = ()
    values: tuple[float, float, float] | None = None
    samples: tuple[SamplePreview, ...] = ()
    lengths: tuple[tuple[int, int], ...] = ()
    counted: Literal["words", "tokens"] = "words"
    sequence_length: int | None = None
    notes: tuple[str, ...] = ()
    columns: dict[str, str | None] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    split: str = ""
    target: Target = "class"

    def to_json(self) -> dict:
        """The preview as JSON values; `from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict) -> DataPreview:
        """Rebuild a preview from `to_json`'s dictionary."""
        return cls(
            **{
                **data,
                "classes": tuple(ClassCount(**row) for row in data["classes"]),
                "samples": tuple(SamplePreview(**row) for row in data["samples"]),
                "values": tuple(data["values"]) if data["values"] else None,
                "lengths": tuple((length, texts) for length, texts in data["lengths"]),
                "notes": tuple(data["notes"]),
                "choices": tuple(data["choices"]),
            }
        )
