"""A person's CSV or Parquet: a column of text (or two), a column of labels or values, perhaps groups or folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from freezecore.datasets import LONGEST_TEXT, MOST_CLASSES, MOST_ROWS, MOST_UNPACKED_BYTES
from freezecore.errors import DataError, did_you_mean, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.samples import Raw
from freezecore.runtime.data.split import split

TEXTS = (
    *("text", "sentence", "full_text", "content", "comment", "comment_text", "review", "message", "tweet", "document"),
    *("body", "question", "question1", "premise", "sentence1", "text1", "text_a", "excerpt", "essay", "title"),
)
PAIRS = ("text_pair", "sentence2", "text2", "text_b", "hypothesis", "question2", "answer")
TARGETS = ("label", "labels", "target", "class", "category", "sentiment", "score", "y")
SEPARATORS = (",", ";", "\t")  # the one that occurs most among the column names
MOST_VALUES = 30  # different numbers up to which a column of whole numbers is taken for classes


def read_table(path: Path, request: ProbeRequest) -> Raw:
    """The rows of a CSV, TSV or Parquet file.

    Raises:
        DataError: it cannot be read, a column is missing, or a row has no text or no label; names file and row.
    """
    table = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    return from_frame(table, shortened(path.name), request)


def from_frame(table: pd.DataFrame, name: str, request: ProbeRequest) -> Raw:
    """The rows of a table, whichever way it came here."""
    target = _column(table, name, request.target, TARGETS, "labels", "--target")
    text = _column(table, name, request.text, TEXTS, "text", "--text")
    pair = request.text_pair or next((c for c in PAIRS if c in table.columns and c not in (target, text)), None)
    for column in filter(None, (pair, request.group, request.fold)):
        _column(table, name, column, (), "", "")
    targets, classes = _targets(table[target], name, request)
    train, test = split(
        targets,
        by_class=bool(classes),
        name=name,
        train_size=request.train_size,
        test_size=request.test_size,
        groups=table[request.group].tolist() if request.group else None,
        held_out=_held_out(table, name, request),
    )
    return Raw(
        name,
        "text",
        targets,
        classes,
        train,
        test,
        texts=_texts(table[text], name),
        pairs=_texts(table[pair], name) if pair else (),
    )


def _csv(path: Path) -> pd.DataFrame:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            first = file.readline(LONGEST_TEXT)
        return pd.read_csv(path, sep=max(SEPARATORS, key=first.count), encoding="utf-8-sig", nrows=MOST_ROWS)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{shortened(path.name)} is not UTF-8: byte {error.start:,} cannot be read.", "Save it as UTF-8."
        ) from error
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{shortened(path.name)} is empty.", "It needs a row of column names, and rows.") from error
    except (pd.errors.ParserError, ValueError) as error:
        raise DataError(f"{shortened(path.name)} cannot be read as a table: {shortened(str(error), 120)}.") from error


def _parquet(path: Path) -> pd.DataFrame:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        size = sum(group.total_byte_size for group in groups)
        if size > MOST_UNPACKED_BYTES or file.metadata.num_rows > MOST_ROWS:
            raise DataError(
                f"{shortened(path.name)} has {file.metadata.num_rows:,} rows, {size / 1e9:.1f} GB unpacked.",
                f"At most {MOST_ROWS:,} rows and {MOST_UNPACKED_BYTES / 1e9:.0f} GB are read: take a sample of it.",
            )
        return file.read().to_pandas()
    except (pyarrow.ArrowException, OSError) as error:
        cause = shortened(str(error), 120)
        raise DataError(f"{shortened(path.name)} cannot be read as Parquet: {cause}.") from error


def _column(table: pd.DataFrame, name: str, asked: str | None, usual: tuple[str, ...], what: str, flag: str) -> str:
    """The column asked for, else the first that is usually called so."""
    columns = [str(column) for column in table.columns]
    if asked is not None:
        if asked not in columns:
            listed = ", ".join(shortened(c, 30) for c in columns[:8])
            raise DataError(
                f"{name} has no column '{shortened(asked)}'.", did_you_mean(asked, columns) or f"It has {listed}."
            )
        return asked
    by_lower = {column.lower(): column for column in reversed(columns)}
    for word in usual:
        if word in by_lower:
            return by_lower[word]
    listed = ", ".join(shortened(c, 30) for c in columns[:8])
    raise DataError(f"{name} has no column that looks like {what}: it has {listed}.", f"Name it with {flag} COLUMN.")


def _texts(column: pd.Series, name: str) -> tuple[str, ...]:
    _complete(column, name)
    return tuple(str(text)[:LONGEST_TEXT] for text in column)


def _complete(column: pd.Series, name: str) -> None:
    """Refuse a column with a gap, naming the first row that has one."""
    missing = np.flatnonzero(column.isna().to_numpy())
    if len(missing):
        more = f", nor in {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise DataError(
            f"Row {missing[0] + 1:,} of {name} has nothing in the column '{shortened(str(column.name))}'{more}.",
            "Fill these rows or remove them (row 1 is the first below the column names).",
        )


def _targets(column: pd.Series, name: str, request: ProbeRequest) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class numbers and names; or values, and no names."""
    _complete(column, name)
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric and not np.isfinite(column.to_numpy(float)).all():
        row = int(np.flatnonzero(~np.isfinite(column.to_numpy(float)))[0]) + 1
        raise DataError(f"Row {row:,} of {name} has no finite number in the column '{shortened(str(column.name))}'.")
    if numeric and _are_values(column, request.metric):
        return column.to_numpy(np.float64), ()
    values = sorted(column.unique()) if numeric else sorted(column.unique(), key=str)
    if not 2 <= len(values) <= MOST_CLASSES:
        one = (
            f"every row has '{shortened(str(values[0]))}'" if len(values) == 1 else f"{len(values):,} different labels"
        )
        raise DataError(
            f"The column '{shortened(str(column.name))}' of {name}: {one}.",
            f"There must be 2 to {MOST_CLASSES:,} classes to tell apart.",
        )
    number = {value: i for i, value in enumerate(values)}
    return np.array([number[value] for value in column], np.int64), tuple(str(value) for value in values)


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
        raise DataError(f"{name} has no fold '{shortened(chosen)}'.", f"Its folds are {listed}.")
    return (folds == chosen).to_numpy()
