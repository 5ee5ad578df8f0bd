"""Sentences whose words are tagged: CoNLL files, tables with a word a row, and rows that hold lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from freezecore.datasets import LONGEST_ROW, MOST_CLASSES, MOST_ROWS
from freezecore.errors import DataError, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.samples import Raw
from freezecore.runtime.data.split import split
from freezecore.runtime.data.table import named_column
from freezecore.sentences import say

WORDS = ("word", "token", "form", "words", "tokens", "text")
TAGS = ("tag", "ner", "label", "ner_tag", "tags", "ner_tags", "labels", "pos", "pos_tags", "upos", "target")
SENTENCES = ("sentence #", "sentence_id", "sentence_idx", "sent_id", "sentence", "document", "doc_id", "id")
LIST_WORDS, LIST_TAGS = ("tokens", "words"), ("ner_tags", "tags", "labels", "pos_tags", "ner")
COLUMNS = {*WORDS, *TAGS, *SENTENCES}
Sentence = tuple[tuple[str, ...], tuple[str, ...]]  # words, and a tag of each


def read_conll(path: Path, request: ProbeRequest) -> Raw:
    """A file with a word a line, its tag in the last column, and an empty line between sentences.

    Raises:
        DataError: a line has no tag; names the file and the line.
    """
    name = shortened(path.name)
    found: list[Sentence] = []
    words: list[str] = []
    tags: list[str] = []
    width = 0

    def end() -> None:
        if words:
            found.append((tuple(words), tuple(tags)))
        words.clear()
        tags.clear()

    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                cells = line.rstrip("\n").split("\t") if "\t" in line else line.split()
                if not line.strip():
                    end()
                    continue
                if cells[0] == "-DOCSTART-" or (line.startswith("# ") and len(cells) != width):
                    continue
                if len(cells) < 2 or not cells[0].strip() or not cells[-1].strip():
                    raise DataError(
                        "Line {line:,} of {name} has no word and tag: {value}.",
                        "Write a word and its tag a line, and an empty line between sentences.",
                        line=number,
                        name=name,
                        value=shortened(line.strip(), 40),
                    )
                width = width or len(cells)
                words.append(cells[0].strip())
                tags.append(cells[-1].strip())
                if len(words) > LONGEST_ROW or len(found) > MOST_ROWS:
                    raise _too_long(name, number, len(words))
    except UnicodeDecodeError as error:
        raise DataError("{name} is not in UTF-8.", "Save it as UTF-8.", name=name) from error
    except OSError as error:
        raise DataError("{name} cannot be read: {cause}.", "", name=name, cause=error.strerror) from error
    end()
    return tagged(found, name, request)


def tagged_from_rows(rows: Sequence[dict], name: str, request: ProbeRequest) -> Raw:
    """Rows that hold a list of words and a list of tags each."""
    columns = tuple(dict.fromkeys(key for row in rows[:100] for key in row))
    words = named_column(columns, name, request.text, LIST_WORDS, say("words"), "--text")
    tags = named_column(columns, name, request.target, LIST_TAGS, say("tags"), "--target")
    found = []
    for number, row in enumerate(rows, 1):
        one, other = (_list(row.get(column), name, number, column) for column in (words, tags))
        if len(one) != len(other):
            raise DataError(
                "Row {row:,} of {name} has {words:,} words and {tags:,} tags.",
                "Give each word one tag.",
                row=number,
                name=name,
                words=len(one),
                tags=len(other),
            )
        if len(one) > LONGEST_ROW:
            raise _too_long(name, number, len(one))
        if one:
            found.append((one, other))
    return tagged(found, name, request, columns={"text": words, "target": tags}, choices=columns)


def tagged_from_table(table: pd.DataFrame, name: str, request: ProbeRequest) -> Raw:
    """A table with a word a row, and a column that says which sentence it is in: by its name or number, or only at
    the sentence's first word."""
    table.columns = [str(column) for column in table.columns]
    columns = tuple(table.columns)
    if len(table) and any(isinstance(value, (list, tuple, np.ndarray)) for value in table.iloc[0]):
        return tagged_from_rows(table.to_dict("records"), name, request)
    words = named_column(columns, name, request.text, WORDS, say("words"), "--text")
    tags = named_column(columns, name, request.target, TAGS, say("tags"), "--target")
    left = [column for column in columns if column not in (words, tags)]
    of = named_column(left, name, request.group, SENTENCES, say("the sentence's number"), "--group")
    number = table[of].replace("", None).ffill()
    both = table[[words, tags]].replace("", None)
    if (gap := both.isna().any(axis=1) | number.isna()).any():
        raise DataError(
            "Row {row:,} of {name} has no word, no tag or no sentence.",
            "Fill these rows or remove them (row 1 is the first below the column names).",
            row=int(np.flatnonzero(gap.to_numpy())[0]) + 1,
            name=name,
        )
    begins = np.flatnonzero((number != number.shift()).to_numpy())
    parts = zip(begins, [*begins[1:], len(table)], strict=True)
    rows = list(zip(both[words].astype(str), both[tags].astype(str), strict=True))
    found: list[Sentence] = []
    for start, stop in parts:
        if stop - start > LONGEST_ROW:
            raise _too_long(name, int(start) + 1, int(stop - start))
        one, other = zip(*rows[start:stop], strict=True)
        found.append((one, other))
    return tagged(found, name, request, columns={"text": words, "target": tags, "group": of}, choices=columns)


def tagged(
    sentences: Sequence[Sentence],
    name: str,
    request: ProbeRequest,
    *,
    columns: dict[str, str | None] | None = None,
    choices: tuple[str, ...] = (),
) -> Raw:
    """These sentences, divided into those to train on and those held out.

    Raises:
        DataError: there are too few sentences, or too few or too many different tags.
    """
    names = sorted({tag for _, tags in sentences for tag in tags})
    if not 2 <= len(names) <= MOST_CLASSES:
        raise DataError(
            "The words of {name} all have the same tag."
            if len(names) == 1
            else "The words of {name} have {count:,} different tags.",
            "There must be 2 to {most:,} to tell apart; the last column is taken for the tag.",
            name=name,
            count=len(names),
            most=MOST_CLASSES,
        )
    number = {tag: i for i, tag in enumerate(names)}
    targets = np.zeros(len(sentences), np.int64)
    train, test = split(targets, by_class=False, name=name, train_size=request.train_size, test_size=request.test_size)
    return Raw(
        name,
        "text",
        targets,
        tuple(names),
        train,
        test,
        texts=tuple(" ".join(words) for words, _ in sentences),
        words=tuple(words for words, _ in sentences),
        tags=tuple(tuple(number[tag] for tag in tags) for _, tags in sentences),
        columns=columns or {},
        choices=choices,
        split=say("Held out at random, whole sentences."),
    )


def _list(value: object, name: str, number: int, column: str) -> tuple[str, ...]:
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(str(one) for one in value)
    raise DataError(
        "Row {row:,} of {name} has no list in the column '{column}'.",
        "Write the words and their tags as lists, or choose a table with a word a row.",
        row=number,
        name=name,
        column=shortened(column),
    )


def _too_long(name: str, number: int, count: int) -> DataError:
    return DataError(
        "The sentence at line {line:,} of {name} has {count:,} words.",
        "At most {most:,} are read: end sentences with an empty line.",
        line=number,
        name=name,
        count=count,
        most=LONGEST_ROW,
    )
