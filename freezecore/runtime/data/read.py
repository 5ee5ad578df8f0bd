"""Raw data by its name: built in, a person's own file, or a data set of the Hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from freezecore.cache import uploads
from freezecore.datasets import BUILT_IN, FILE_TYPES, HUB, MOST_BYTES
from freezecore.errors import DataError, did_you_mean, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.pictures import ArrayPictures
from freezecore.runtime.data.samples import Raw
from freezecore.sentences import say


def read(request: ProbeRequest) -> Raw:
    """The samples that a request names; sizes default to the data's own split.

    Raises:
        DataError: no such data, or it cannot be read; the sentence names the file and the row.
    """
    name = request.data
    if name in BUILT_IN:
        info = BUILT_IN[name]
        readers: dict[str, Callable] = {"shapes": _shapes, "digits": _digits, "docstrings": _docstrings}
        return readers[name](request.train_size or info.train_size, request.test_size or info.test_size)
    if name.startswith(HUB):
        from freezecore.runtime.data.hub import read_hub

        return read_hub(name, request)
    return _told_share(_file(uploads.place_of(name), request), request)


def _told_share(raw: Raw, request: ProbeRequest) -> Raw:
    """The samples, with a note where fewer are taken than there are and nobody said how many."""
    taken, there = len(raw.train) + len(raw.test), len(raw.targets)
    if taken == there or request.train_size or request.test_size:
        return raw
    note = say("{taken:,} of its {there:,} samples are taken, drawn at random.", taken=taken, there=there)
    return replace(raw, notes=(*raw.notes, note))


def _file(path: Path, request: ProbeRequest) -> Raw:
    kind = path.suffix.lower()
    if kind not in FILE_TYPES:
        raise DataError(
            "There is no data called '{name}'.",
            did_you_mean(request.data, BUILT_IN)
            or say(
                "Write {built_in}, the path of a file ({file_types}), or {hub}NAME.",
                built_in=", ".join(BUILT_IN),
                file_types=", ".join(FILE_TYPES),
                hub=HUB,
            ),
            name=shortened(request.data),
        )
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError("There is no file '{name}'.", "Check its path.", name=shortened(request.data)) from error
    if not path.is_file():  # a pipe would be waited for without end
        raise DataError("'{name}' is no file.", "Choose a file, or zip the folder.", name=shortened(request.data))
    if size > MOST_BYTES:
        raise DataError(
            "{name} has {size:.1f} GB.",
            "At most {most:.0f} GB are read: take a sample of it.",
            name=shortened(path.name),
            size=size / 1e9,
            most=MOST_BYTES / 1e9,
        )
    if kind == ".zip":
        from freezecore.runtime.data.folders import read_folders

        return read_folders(path, request)
    from freezecore.runtime.data.table import read_table

    return read_table(path, request)


def _shapes(train: int, test: int) -> Raw:
    from freezecore.runtime.data.shapes import draw

    pixels, targets = draw(train + test)
    images = ArrayPictures(pixels)
    return Raw("shapes", "image", targets, BUILT_IN["shapes"].classes, *_in_turn(train, test), images=images)


def _digits(train: int, test: int) -> Raw:
    from sklearn.datasets import load_digits

    digits = load_digits()
    chosen = _chosen("digits", len(digits.target), train + test)
    grey = (digits.images[chosen] * (255 / 16)).astype(np.uint8)
    images = ArrayPictures(np.repeat(grey[:, None], 3, axis=1))
    targets = digits.target[chosen].astype(np.int64)
    return Raw("digits", "image", targets, BUILT_IN["digits"].classes, *_in_turn(train, test), images=images)


def _docstrings(train: int, test: int) -> Raw:
    from freezecore.runtime.data.docstrings import sentences

    texts, targets, classes = sentences()
    chosen = _chosen("docstrings", len(texts), train + test)
    picked = tuple(texts[i] for i in chosen)
    return Raw("docstrings", "text", np.array(targets)[chosen], classes, *_in_turn(train, test), texts=picked)


def _chosen(name: str, there: int, wanted: int) -> np.ndarray:
    """Positions of `wanted` samples in random order, the same in every run."""
    if wanted > there:
        raise DataError(
            "{name} has {there:,} samples, not {wanted:,}.",
            "Train on, or hold out, fewer of them.",
            name=name,
            there=there,
            wanted=wanted,
        )
    return np.random.default_rng(0).permutation(there)[:wanted]


def _in_turn(train: int, test: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the first `train` samples and of the `test` that follow."""
    return np.arange(train), np.arange(train, train + test)
