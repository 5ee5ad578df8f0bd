"""What a probe trains on: raw samples as they were read, and the same as tensors that one model can take."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from freezecore.datasets import Kind
from freezecore.metrics import Target
from freezecore.runtime.data.pictures import Pictures
from freezecore.runtime.data.scenes import Scenes

Chat = tuple[tuple[str, str], ...]  # role and text of each message
IGNORED = -100  # a target that does not count, as torch and transformers have it


@dataclass(frozen=True)
class Raw:
    """Samples before any model is known.

    Attributes:
        name: what a sentence calls the data.
        kind: `image` or `text`.
        targets: class numbers (int64) or values (float64), one a sample.
        classes: names by number; empty for values.
        train, test: positions of the samples to train on, and held out.
        images: pictures by position, at any size.
        texts: one a sample; `pairs` holds the second text where there are two.
        continues: the texts are to be continued, token by token; `targets` says nothing then.
        chats: of texts to be continued that have answers, each one's messages; only the answers are learnt.
        words, tags: of texts whose words are tagged, the words of each and their numbers in `classes`.
        notes: what was left out, a sentence each.
        scenes: of pictures in which things are found or told apart pixel by pixel, what is in each; `task` says which.
        columns: of a table, the column taken for each of `text`, `target`, `text_pair`, `group` and `fold`.
        choices: all columns of a table.
        split: how samples to train on and samples held out were told apart, as a sentence.
    """

    name: str
    kind: Kind
    targets: np.ndarray
    classes: tuple[str, ...]
    train: np.ndarray
    test: np.ndarray
    images: Pictures | None = None
    texts: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    continues: bool = False
    chats: tuple[Chat, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()
    tags: tuple[tuple[int, ...], ...] = ()
    scenes: Scenes | None = None
    task: str | None = None
    notes: tuple[str, ...] = ()
    columns: dict[str, str | None] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    split: str = ""

    @property
    def target(self) -> Target:
        if self.continues:
            return "next-token"
        if self.words:
            return "tags"
        if self.scenes:
            return "boxes" if self.task == "object-detection" else "pixels"
        return "class" if self.classes else "value"


@dataclass(frozen=True)
class Samples:
    """Inputs by argument name, [n, …] each, and targets: int64 [n] classes, float32 [n] standardised values,
    or int64 [n, length] what the model's scores at each place are to say, `IGNORED` where nothing is asked."""

    inputs: dict[str, Tensor]
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def nbytes(self) -> int:
        return sum(t.nbytes for t in self.inputs.values()) + self.targets.nbytes


@dataclass(frozen=True)
class Dataset:
    """Data ready for one model.

    Attributes:
        raw: where it came from.
        mean, std: per channel, subtracted and divided on the training device; None for text.
        centre, spread: of the values in `train`; a prediction p means `centre + spread * p`.
        size: pixels per side, or tokens per sample.
        vocabulary: how many tokens a language model tells apart; None for other models.
    """

    raw: Raw
    train: Samples
    test: Samples
    size: int
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    centre: float = 0.0
    spread: float = 1.0
    notes: tuple[str, ...] = field(default=())
    vocabulary: int | None = None

    @property
    def outputs(self) -> int:
        """How many outputs the model's head needs; of a language model, how many its vocabulary has."""
        if self.vocabulary:
            return self.vocabulary
        return len(self.raw.classes) or 1
