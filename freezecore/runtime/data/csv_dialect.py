"""How a CSV file is written: its encoding, its separator, and whether its quotes mean anything; found from the file."""

from __future__ import annotations

import codecs
import csv
import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from freezecore.datasets import MOST_COLUMNS, MOST_ROWS
from freezecore.errors import DataError, shortened
from freezecore.sentences import joined, say

SEPARATORS = {",": say("commas"), ";": say("semicolons"), "\t": say("tabs"), "|": say("bars")}
SEEN_LINES = 200  # of the beginning, from which the separator is found
SEEN_LETTERS = 4_000_000
LONGEST_LINE = 1_000_000


@dataclass(frozen=True)
class Dialect:
    """How a file of separated values is written.

    Attributes:
        quoted: a value may stand in double quotes, with separators and line ends in it; else quotes are letters.
        skipped: lines before the column names (`sep=;`, as Excel writes).
    """

    encoding: str
    separator: str
    quoted: bool = True
    skipped: int = 0
    usual: str = ","

    @property
    def unusual(self) -> bool:
        """Whether a person should be told."""
        return self.separator != self.usual or not self.quoted or self.encoding != "utf-8-sig"

    def described(self) -> str:
        """What was found, as a sentence."""
        told = [
            say(
                "Its columns are separated by {separators}.",
                separators=SEPARATORS.get(self.separator, f"'{self.separator}'"),
            )
        ]
        if not self.quoted:
            told.append(say("Quotes in it do not come in pairs and are read as letters."))
        if self.encoding != "utf-8-sig":
            told.append(say("It is written in {encoding}.", encoding=self.encoding.upper()))
        return joined(told, " ")


def read_csv(path: Path) -> tuple[pd.DataFrame, Dialect]:
    """The table as text, value for value as the file has it (an empty one is a gap), and how the file is written.

    Raises:
        DataError: it is empty, no table, no text, or larger than is read.
    """
    name = shortened(path.name)
    try:
        dialect = find_dialect(path)
        table = _read(path, dialect)
        if dialect.quoted and _has_lone_quotes(path, dialect, len(table)):
            dialect = Dialect(dialect.encoding, dialect.separator, False, dialect.skipped, dialect.usual)
            table = _read(path, dialect)
    except UnicodeDecodeError as error:
        raise DataError(
            "{name} is not UTF-8: byte {byte:,} cannot be read.", "Save it as UTF-8.", name=name, byte=error.start
        ) from error
    except pd.errors.EmptyDataError as error:
        raise DataError("{name} is empty.", "It needs a row of column names, and rows.", name=name) from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError, csv.Error) as error:
        raise DataError(
            "{name} cannot be read as a table: {cause}.", name=name, cause=shortened(str(error), 120)
        ) from error
    if len(table) > MOST_ROWS:
        raise DataError(
            "{name} has more than {most:,} rows.",
            "At most {most:,} are read: take a sample.",
            name=name,
            most=MOST_ROWS,
        )
    return table, dialect


def find_dialect(path: Path) -> Dialect:
    """The encoding by its mark, and the separator under which the first lines have equally many columns."""
    encoding = _encoding(path)
    lines = list(itertools.islice(_lines(path, encoding), 1))
    columns = max((lines[0].count(separator) for separator in SEPARATORS), default=0) + 1 if lines else 0
    if columns > MOST_COLUMNS:
        raise ValueError(f"it has more than {MOST_COLUMNS:,} columns")  # a line is read to its first part alone
    lines = _beginning(path, encoding)
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    first = lines[0].rstrip("\r\n") if lines else ""
    if first.lower().startswith("sep=") and len(first) == 5:
        return Dialect(encoding, first[4], skipped=1, usual=usual)
    best = max(SEPARATORS, key=lambda separator: (_fit(lines, separator), separator == usual))
    return Dialect(encoding, best if _fit(lines, best) else usual, usual=usual)


def _beginning(path: Path, encoding: str) -> list[str]:
    """The first lines, of which a few may be long."""
    lines: list[str] = []
    for line in itertools.islice(_lines(path, encoding), SEEN_LINES):
        lines.append(line)
        if sum(map(len, lines)) > SEEN_LETTERS:
            break
    return lines


def _fit(lines: list[str], separator: str) -> float:
    """How well a separator explains these lines: the share with as many columns as the first, more columns first."""
    rows = [row for row in csv.reader(lines, delimiter=separator) if row]
    if not rows or len(rows[0]) < 2:
        return 0.0
    columns = len(rows[0])
    if columns > MOST_COLUMNS:
        raise ValueError(f"it has {columns:,} columns, at most {MOST_COLUMNS:,} are read")
    return sum(len(row) == columns for row in rows) / len(rows) + min(columns, 9) / 100


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        begin = file.read(4)
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _lines(path: Path, encoding: str) -> Iterator[str]:
    with path.open(encoding=encoding, newline="") as file:
        while line := file.readline(LONGEST_LINE):
            yield line


def _read(path: Path, dialect: Dialect) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # it would drop values
        return pd.read_csv(
            path,
            sep=dialect.separator,
            encoding=dialect.encoding,
            quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
            skiprows=dialect.skipped,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            nrows=MOST_ROWS + 1,
        )


def _has_lone_quotes(path: Path, dialect: Dialect, rows: int) -> bool:
    """Whether quotes swallowed rows: read as letters, every line has all columns, and there are more of them.

    Between commas that may be chance, so there the quotes must be wrong in themselves too.
    """
    columns, found = None, 0
    for line in itertools.islice(_lines(path, dialect.encoding), dialect.skipped, None):
        if text := line.rstrip("\r\n"):
            here = text.count(dialect.separator)
            columns = here if columns is None else columns
            if here != columns:
                return False
            found += 1
    if found - 1 <= rows:
        return False
    return dialect.separator == "\t" or not _quotes_are_sound(path, dialect)


def _quotes_are_sound(path: Path, dialect: Dialect) -> bool:
    """Whether each quote that opens a value is closed before a separator or a line's end."""
    try:
        with path.open(encoding=dialect.encoding, newline="") as file:
            for _ in csv.reader(file, delimiter=dialect.separator, strict=True):
                pass
    except csv.Error:
        return False
    return True
