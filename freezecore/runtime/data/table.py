"""A person's CSV or Parquet: a column of text (or two), a column of labels or values, perhaps groups or folds."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from freezecore.datasets import LONGEST_TEXT, MOST_CLASSES
from freezecore.errors import DataError, did_you_mean, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.csv_dialect import Dialect, read_csv
from freezecore.runtime.data.parquet import read_parquet
from freezecore.runtime.data.samples import Raw
from freezecore.runtime.data.split import split
from freezecore.sentences import say

TEXTS = (
    *("text", "sentence", "full_text", "content", "comment", "comment_text", "review", "message", "tweet", "document"),
    *("body", "question", "question1", "premise", "sentence1", "text1", "text_a", "excerpt", "essay", "title"),
)
PAIRS = ("text_pair", "sentence2", "text2", "text_b", "hypothesis", "question2", "answer")
TARGETS = ("label", "labels", "target", "class", "category", "sentiment", "score", "y")
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|Inf|Infinity|nan|NaN)"
NUMBER_WITH_COMMA = r"[+-]?\d+,\d+"
GROUPING = {",": ".", ".": ",", " ": ".,", "\N{NO-BREAK SPACE}": ".,", "\N{NARROW NO-BREAK SPACE}": ".,", "'": ".,"}
PADDED = r"[+-]?0\d+"  # a postcode or an article, not a number
MOSTLY = 0.9  # share of numbers from which a word among them is a gap rather than a class
MOST_EMPTY = 0.05  # share of the rows that may lack their text or label, and are left out; more are a fault of the file
JOINTS = (",", ";", "|", " ")  # between labels of a row that has several
MOST_VALUES = 30  # different numbers up to which a column of whole numbers is taken for classes


def read_table(path: Path, request: ProbeRequest) -> Raw:
    """The rows of a CSV, TSV or Parquet file.

    Raises:
        DataError: it cannot be read, a column is missing, or more than a few rows have no text or no label; names file
            and row.
    """
    if path.suffix.lower() == ".parquet":
        return from_frame(*read_parquet(path, _wanted(request)), shortened(path.name), request)
    table, dialect = read_csv(path)
    return from_frame(table, tuple(map(str, table.columns)), shortened(path.name), request, dialect)


def _wanted(request: ProbeRequest) -> Callable[[str], bool]:
    """Which columns may be asked about: those named, and those of usual names."""
    asked = {request.target, request.text, request.text_pair, request.group, request.fold}
    usual = {*TEXTS, *PAIRS, *TARGETS}
    return lambda column: column in asked or column.lower() in usual


def from_frame(
    table: pd.DataFrame, columns: Sequence[str], name: str, request: ProbeRequest, dialect: Dialect | None = None
) -> Raw:
    """The rows of a table, whichever way it came here.

    Args:
        columns: names of all there are, which may be more than were read.
        dialect: where its values are still text.
    """
    table.columns = [str(column) for column in table.columns]
    target = named_column(columns, name, request.target, TARGETS, say("labels"), "--target")
    text = named_column(columns, name, request.text, TEXTS, say("text"), "--text")
    pair = request.text_pair or next((c for c in PAIRS if c in table.columns and c not in (target, text)), None)
    for column in filter(None, (pair, request.group, request.fold)):
        named_column(columns, name, column, (), "", "")
    table, empty = _without_gaps(table, [column for column in (target, text, pair) if column], name)
    labels, written = _read_values(table[target], name, dialect)
    targets, classes = _targets(labels, name, request)
    for column in filter(None, (text, pair)):
        _complete(table[column], name)
    train, test = split(
        targets,
        by_class=bool(classes),
        name=name,
        train_size=request.train_size,
        test_size=request.test_size,
        groups=table[request.group].tolist() if request.group else None,
        held_out=_held_out(table, name, request),
    )
    texts, cut = _texts(table[text])
    pairs, pairs_cut = _texts(table[pair]) if pair else ((), 0)
    return Raw(
        name,
        "text",
        targets,
        classes,
        train,
        test,
        texts=texts,
        pairs=pairs,
        notes=(
            *empty,
            *_notes(dialect, written, cut + pairs_cut),
            *(_headless(table[target]) if dialect else ()),
            *_joined(classes),
        ),
        columns={"text": text, "target": target, "text_pair": pair, "group": request.group, "fold": request.fold},
        choices=tuple(columns),
        split=_how(request, bool(classes)),
    )


def _notes(dialect: Dialect | None, written: tuple[str, ...], cut: int) -> tuple[str, ...]:
    notes = []
    if dialect and dialect.unusual:
        notes.append(dialect.described())
    notes += written
    if cut:
        notes.append(
            say(
                "1 text is longer than {most:,} characters; what follows is cut off."
                if cut == 1
                else "{count:,} texts are longer than {most:,} characters; what follows is cut off.",
                count=cut,
                most=LONGEST_TEXT,
            )
        )
    return tuple(notes)


def _headless(column: pd.Series) -> tuple[str, ...]:
    """That a column is called as one of its own values is: a file without column names loses its first row to them."""
    name = str(column.name)
    if not (column == name).any():
        return ()
    return (
        say(
            "'{column}' is a column's name and a value in it: if the file has no row of column names, its first row "
            "was taken for one. Add such a row.",
            column=shortened(name, 30),
        ),
    )


def _joined(classes: tuple[str, ...]) -> tuple[str, ...]:
    """That classes are others' names in one, `joy,fear` beside `joy` and `fear`: rows that have several labels."""
    alone = set(classes)
    for mark in JOINTS:
        several = [each for each in classes if mark in each and {part.strip() for part in each.split(mark)} <= alone]
        if several:
            return (
                say(
                    "'{label}' and the like join labels that also stand alone: each such list is taken as a class of "
                    "its own.",
                    label=shortened(several[0], 30),
                ),
            )
    return ()


def _how(request: ProbeRequest, classes: bool) -> str:
    """How samples to train on and samples held out were told apart, as a sentence."""
    if request.fold:
        return say("Held out: one fold of the column '{fold}'.", fold=shortened(request.fold))
    if request.group:
        return say("Held out at random, rows that share a value of '{group}' together.", group=shortened(request.group))
    return say("Held out at random, the same share of each class." if classes else "Held out at random.")


def named_column(
    columns: Sequence[str], name: str, asked: str | None, usual: tuple[str, ...], what: str, flag: str
) -> str:
    """The column asked for, else the first that is usually called so."""
    if asked is not None:
        if asked not in columns:
            listed = ", ".join(shortened(c, 30) for c in columns[:8])
            raise DataError(
                "{name} has no column '{column}'.",
                did_you_mean(asked, columns) or say("It has {names}.", names=listed),
                name=name,
                column=shortened(asked),
            )
        return asked
    by_lower = {column.lower(): column for column in reversed(columns)}
    for word in usual:
        if word in by_lower:
            return by_lower[word]
    listed = ", ".join(shortened(c, 30) for c in columns[:8])
    valued = sum(bool(re.fullmatch(NUMBER, column)) for column in columns) > 1
    raise DataError(
        "{name} has no column that looks like {what}: it has {names}.",
        "If the file has no row of column names, its first row was taken for one: add such a row, or name the column "
        "with {flag} COLUMN."
        if valued
        else "Name it with {flag} COLUMN.",
        name=name,
        what=what,
        names=listed,
        flag=flag,
    )


def _texts(column: pd.Series) -> tuple[tuple[str, ...], int]:
    """The texts, each up to its longest length, and how many were cut there."""
    texts = [str(text) for text in column]
    cut = {text: text[:LONGEST_TEXT] for text in texts if len(text) > LONGEST_TEXT}  # rows may share one
    return tuple(cut.get(text, text) for text in texts) if cut else tuple(texts), sum(text in cut for text in texts)


def _without_gaps(table: pd.DataFrame, columns: list[str], name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows, by their numbers, that have something in each of these columns, where few have not; and a note on
    those left out."""
    table = table.reset_index(drop=True)
    empty = table[columns].isna().any(axis=1).to_numpy()
    if not empty.any() or empty.mean() > MOST_EMPTY:
        return table, ()
    note = say(
        "1 of {there:,} rows of {name} has nothing in {columns} and is left out: row {row:,}."
        if empty.sum() == 1
        else "{count:,} of {there:,} rows of {name} have nothing in {columns} and are left out, row {row:,} first.",
        count=int(empty.sum()),
        there=len(table),
        name=name,
        columns=", ".join(f"'{shortened(each, 30)}'" for each in columns if table[each].isna().any()),
        row=int(np.flatnonzero(empty)[0]) + 1,
    )
    return table[~empty], (note,)


def _complete(column: pd.Series, name: str) -> None:
    """Refuse a column with a gap, or one whose values are no single values, naming the first row that has one."""
    nested = next(
        (value for value in column.head(100) if isinstance(value, (list, tuple, dict, set, np.ndarray))), None
    )
    if nested is not None:
        kind = say("named fields") if isinstance(nested, dict) else say("lists")
        raise DataError(
            "The column '{column}' of {name} holds {kind}, not one value a row.",
            "Choose another column, or write this one as text.",
            column=shortened(str(column.name)),
            name=name,
            kind=kind,
        )
    missing = np.flatnonzero(column.isna().to_numpy())
    if len(missing):
        raise DataError(
            "Row {row:,} of {name} has nothing in the column '{column}'."
            if len(missing) == 1
            else "Row {row:,} of {name} has nothing in the column '{column}', nor in {count:,} more.",
            "Fill these rows or remove them (row 1 is the first below the column names).",
            row=missing[0] + 1,
            name=name,
            column=shortened(str(column.name)),
            count=len(missing) - 1,
        )


def _read_values(column: pd.Series, name: str, dialect: Dialect | None) -> tuple[pd.Series, tuple[str, ...]]:
    """A column as numbers where it holds nothing else, and a sentence on what is unusual in how they are written.

    Text stays as the file has it: `007` is a name, and so is `NA`.
    """
    if dialect is None or not len(column):
        return column, ()
    text = column.dropna().astype(str).str.strip()
    points, commas = text.str.fullmatch(NUMBER), text.str.fullmatch(NUMBER_WITH_COMMA)
    decimal_comma = dialect.separator != "," and commas.any() and not text[~commas].str.contains(".", regex=False).any()
    numbers = points | commas if decimal_comma else points
    if numbers.all() and not text.str.fullmatch(PADDED).any():
        return _plain(column, "", "," if decimal_comma else ".")
    for mark, signs in GROUPING.items():
        for decimal in signs:
            if _grouped(text, mark, decimal, dialect):
                return _plain(column, mark, decimal)
    rest = text[~numbers]
    if numbers.mean() >= MOSTLY and text[numbers].nunique() > MOST_VALUES:
        raise DataError(
            "Row {row:,} of {name} has '{value}' in the column '{column}', where others have numbers.",
            "Fill these rows or remove them (row 1 is the first below the column names).",
            row=int(rest.index[0]) + 1,
            name=name,
            value=shortened(rest.iloc[0]),
            column=shortened(str(column.name)),
        )
    return column, ()


def _grouped(text: pd.Series, mark: str, decimal: str, dialect: Dialect) -> bool:
    """Whether all are numbers, some with marks between thousands that can be nothing else: `1,000.50`, `1.000.000`."""
    sign, point = re.escape(mark), re.escape(decimal)
    marked = text[text.str.fullmatch(rf"[+-]?[1-9]\d*(?:{sign}\d{{3}})+(?:{point}\d+)?")]
    plain = text.str.fullmatch(rf"[+-]?(?:0|[1-9]\d*)(?:{point}\d+)?")
    if not len(marked) or not plain[text.index.difference(marked.index)].all():
        return False
    quoted = mark == "," and dialect.separator == ","  # a decimal comma would have been written with another separator
    return mark not in ",." or quoted or bool((marked.str.count(sign) > 1).any() or marked.str.contains(point).any())


def _plain(column: pd.Series, mark: str, decimal: str) -> tuple[pd.Series, tuple[str, ...]]:
    """The column's numbers, and how they were written where that is unusual."""
    notes = []
    if mark:
        column = column.str.replace(mark, "", regex=False)
        notes.append(say("Its numbers have '{mark}' between thousands.", mark=mark))
    if decimal == ",":
        column = column.str.replace(",", ".", regex=False)
        notes.append(say("Its numbers have a decimal comma."))
    return pd.to_numeric(column), tuple(notes)


def _targets(column: pd.Series, name: str, request: ProbeRequest) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class numbers and names; or values, and no names."""
    _complete(column, name)
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric and not np.isfinite(column.to_numpy(float)).all():
        row = int(column.index[~np.isfinite(column.to_numpy(float))][0]) + 1
        raise DataError(
            "Row {row:,} of {name} has no finite number in the column '{column}'.",
            row=row,
            name=name,
            column=shortened(str(column.name)),
        )
    if numeric and _are_values(column, request.metric):
        return column.to_numpy(np.float64), ()
    if not numeric and request.metric == "rmse":
        raise DataError(
            "The column '{column}' of {name} holds no numbers, such as '{value}', and {metric} is of numbers.",
            "Take another column, another metric, or write the numbers plainly.",
            column=shortened(str(column.name)),
            name=name,
            value=shortened(str(column.iloc[0])),
            metric=request.metric,
        )
    codes, values = pd.factorize(column)
    if not 2 <= len(values) <= MOST_CLASSES:
        raise DataError(
            "The column '{column}' of {name}: every row has '{value}'."
            if len(values) == 1
            else "The column '{column}' of {name}: {count:,} different labels.",
            "There must be 2 to {most:,} classes to tell apart.",
            column=shortened(str(column.name)),
            name=name,
            value=shortened(str(values[0])) if len(values) else "",
            count=len(values),
            most=MOST_CLASSES,
        )
    order = sorted(range(len(values)), key=lambda i: values[i] if numeric else str(values[i]))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[codes], tuple(str(values[i]) for i in order)


def _are_values(column: pd.Series, metric: str | None) -> bool:
    """Numbers to predict rather than classes: as the metric says, else fractions, else many different ones."""
    if metric is not None:
        return metric == "rmse"
    numbers = column.to_numpy(float)
    return bool((numbers != np.round(numbers)).any()) or column.nunique() > MOST_VALUES


def _held_out(table: pd.DataFrame, name: str, request: ProbeRequest) -> np.ndarray | None:
    if request.fold is None:
        return None
    folds = table[request.fold].astype(str)
    chosen = request.held_out_fold if request.held_out_fold is not None else sorted(folds.unique())[0]
    if chosen not in set(folds):
        listed = ", ".join(sorted(folds.unique())[:8])
        raise DataError(
            "{name} has no fold '{fold}'.", "Its folds are {names}.", name=name, fold=shortened(chosen), names=listed
        )
    return (folds == chosen).to_numpy()
