"""Raw data by its name: built in, a person's own file, or a data set of the Hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from freezecore.cache import uploads
from freezecore.datasets import (
    BUILT_IN,
    FILE_TYPES,
    HUB,
    JSON_TYPES,
    MOST_BYTES,
    OF_TOKENS,
    TAGGED_TYPES,
    BuiltIn,
    built_in,
)
from freezecore.errors import DataError, did_you_mean, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.pictures import ArrayPictures
from freezecore.runtime.data.samples import Raw
from freezecore.runtime.data.scenes import SIZE as SCENE_SIZE
from freezecore.runtime.data.scenes import draw
from freezecore.sentences import say

LEAST_SCALE, MOST_SCENE = 32, 320  # pixels: of a body's smallest features, and a side of a drawn scene


def read(request: ProbeRequest) -> Raw:
    """The samples that a request names; sizes default to the data's own split.

    Raises:
        DataError: no such data, or it cannot be read; the sentence names the file and the row.
    """
    name = request.data
    if dense := request.source.dense_task:
        return _scenes(dense, request)
    if name in BUILT_IN:
        task = request.source.task
        info = built_in(name, task)
        if task in OF_TOKENS and info.kind == "text":
            return _of_tokens(task, request, info)
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
    if request.source.task in OF_TOKENS:
        return _file_of_tokens(path, kind, request)
    if kind in TAGGED_TYPES:
        raise DataError(
            "{name} holds words and their tags, or plain text.",
            "Open it with the task causal-lm or token-classification.",
            name=shortened(path.name),
        )
    if kind in JSON_TYPES:
        return _json_table(path, request)
    from freezecore.runtime.data.table import read_table

    return read_table(path, request)


def _json_table(path: Path, request: ProbeRequest) -> Raw:
    """Texts and their labels, one object a line."""
    import pandas as pd

    from freezecore.runtime.data.json_rows import read_json_rows
    from freezecore.runtime.data.table import from_frame

    rows, name = read_json_rows(path), shortened(path.name)
    table = pd.DataFrame(rows)
    if "messages" in table.columns or "tokens" in table.columns:
        raise DataError(
            "{name} holds chats or tagged words, which have no class to tell.",
            "Open it with the task causal-lm or token-classification.",
            name=name,
        )
    return from_frame(table, tuple(map(str, table.columns)), name, request)


def _file_of_tokens(path: Path, kind: str, request: ProbeRequest) -> Raw:
    """A file of one's own, for a model that answers at each token."""
    from freezecore.runtime.data import language, tagged
    from freezecore.runtime.data.csv_dialect import read_csv
    from freezecore.runtime.data.json_rows import read_json_rows
    from freezecore.runtime.data.parquet import read_parquet

    name, continues = shortened(path.name), request.source.task == "causal-lm"
    if kind in TAGGED_TYPES:
        return language.paragraphs(path, request) if continues else tagged.read_conll(path, request)
    if kind in JSON_TYPES:
        return language.rows_of_tokens(read_json_rows(path), name, request)
    if kind == ".parquet":
        asked = {request.text, request.target, request.group}
        usual = language.COLUMNS if continues else tagged.COLUMNS
        table, _ = read_parquet(path, lambda column: column in asked or column.lower() in usual, lists=True)
    else:
        table, _ = read_csv(path)
    if continues:
        return language.language_from(table.to_dict("records"), name, request)
    return tagged.tagged_from_table(table, name, request)


def _of_tokens(task: str, request: ProbeRequest, info: BuiltIn) -> Raw:
    """`docstrings` for a model that answers at each token."""
    from freezecore.runtime.data.docstrings import marked_sentences, sentences

    sizes = request.train_size or info.train_size, request.test_size or info.test_size
    if task == "causal-lm":
        texts, _, _ = sentences()
        chosen = _chosen("docstrings", len(texts), sum(sizes))
        picked = tuple(texts[i] for i in chosen)
        targets = np.zeros(len(picked), np.int64)
        return Raw("docstrings", "text", targets, (), *_in_turn(*sizes), texts=picked, continues=True)
    rows, classes = marked_sentences()
    chosen = _chosen("docstrings", len(rows), sum(sizes))
    words, tags = zip(*(rows[i] for i in chosen), strict=True)
    return Raw(
        "docstrings",
        "text",
        np.zeros(len(words), np.int64),
        classes,
        *_in_turn(*sizes),
        texts=tuple(" ".join(of) for of in words),
        words=words,
        tags=tags,
    )


def _scenes(task: str, request: ProbeRequest) -> Raw:
    """Drawn scenes, for a model that finds things in them.

    Raises:
        DataError: the data has no boxes or masks.
    """
    if request.data != "shapes":
        raise DataError(
            "{data} has neither boxes nor masks.",
            "Choose shapes, which draws scenes for the task {task}.",
            data=request.data,
            task=task,
        )
    info = built_in("shapes", task)
    train, test = request.train_size or info.train_size, request.test_size or info.test_size
    size = request.image_size or SCENE_SIZE
    if size % LEAST_SCALE or not LEAST_SCALE <= size <= MOST_SCENE:
        raise DataError(
            "{size} pixels do not divide into the scales of a detector.",
            "Choose a multiple of {step}, at most {most}.",
            size=size,
            step=LEAST_SCALE,
            most=MOST_SCENE,
        )
    scenes = draw(train + test, size)
    targets = np.arange(train + test)
    images = ArrayPictures(scenes.pictures)
    split = _in_turn(train, test)
    return Raw("shapes", "image", targets, info.classes, *split, images=images, scenes=scenes, task=task)


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
