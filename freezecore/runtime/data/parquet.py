"""The columns of a Parquet file, read part by part: a few kilobytes of it can stand for a hundred gigabytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from freezecore.datasets import LONGEST_TEXT, MOST_COLUMNS, MOST_ROWS, MOST_UNPACKED_BYTES
from freezecore.errors import DataError, shortened

ROWS_AT_ONCE = 50_000
MOST_BYTES = 2_000_000_000  # of distinct values in memory


def read_parquet(
    path: Path, is_wanted: Callable[[str], bool], *, lists: bool = False
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The wanted columns, and the names of all; a column of lists or fields has an empty one in each row, unless
    `lists` asks for what is in them.

    Raises:
        DataError: it is no such file, or holds more than is read.
    """
    import pyarrow
    from pyarrow import parquet

    name = shortened(path.name)
    try:
        file = parquet.ParquetFile(path)
        schema, rows = file.schema_arrow, file.metadata.num_rows
        size = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
        if size > MOST_UNPACKED_BYTES or rows > MOST_ROWS:
            raise _too_large(name, rows, size)
        if len(schema.names) > MOST_COLUMNS:
            raise DataError(
                "{name} has {count:,} columns.",
                "At most {most:,} are read: take a part of it.",
                name=name,
                count=len(schema.names),
                most=MOST_COLUMNS,
            )
        wanted = {field.name: field.type for field in schema if is_wanted(field.name)}
        types = pyarrow.types
        nested = {column: kind for column, kind in wanted.items() if types.is_nested(kind)}
        texts = [column for column, kind in wanted.items() if types.is_string(kind) or types.is_binary(kind)]
        file = parquet.ParquetFile(path, read_dictionary=texts)
        columns = {column: _Column() for column in wanted if column not in nested}
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(columns)) if columns else ():
            for column, values in zip(batch.schema.names, batch.columns, strict=True):
                columns[column].add(values)
            if sum(column.nbytes for column in columns.values()) > MOST_BYTES:
                raise _too_large(name, rows, MOST_BYTES)
        table = {column: columns[column].whole() for column in columns}
        if lists and nested:
            table |= _nested(file, list(nested), name, rows)
        for column, kind in () if lists else nested.items():
            table[column] = pd.Series([{} if types.is_struct(kind) or types.is_map(kind) else []] * rows, dtype=object)
        return pd.DataFrame({column: table[column] for column in wanted}), tuple(schema.names)
    except (pyarrow.ArrowException, OSError) as error:
        cause = shortened(str(error), 120)
        raise DataError("{name} cannot be read as Parquet: {cause}.", name=name, cause=cause) from error


def _nested(file: Any, names: list[str], name: str, rows: int) -> dict[str, pd.Series]:
    """Columns of lists or fields, as Python's own."""
    found: dict[str, list] = {column: [] for column in names}
    size = 0
    for batch in file.iter_batches(ROWS_AT_ONCE // 10, columns=names):
        size += 10 * batch.nbytes  # about what Python's own objects take
        if size > MOST_BYTES:
            raise _too_large(name, rows, MOST_BYTES)
        for column, values in zip(batch.schema.names, batch.columns, strict=True):
            found[column] += values.to_pylist()
    return {column: pd.Series(values, dtype=object) for column, values in found.items()}


class _Column:
    """The values of one column so far; texts that are alike are one object, of which only the beginning is kept."""

    def __init__(self) -> None:
        self.nbytes = 0
        self._parts: list[pd.Series] = []
        self._known: dict[Any, Any] = {}

    def add(self, values: Any) -> None:
        """More rows: an arrow array."""
        import pyarrow
        from pyarrow import compute

        if not pyarrow.types.is_dictionary(values.type):
            self.nbytes += values.nbytes
            self._parts.append(values.to_pandas())
            return
        different = values.dictionary
        if pyarrow.types.is_string(different.type) or pyarrow.types.is_large_string(different.type):
            different = compute.utf8_slice_codeunits(different, 0, LONGEST_TEXT + 1)  # one more, to see that it is cut
        shared = [self._shared(value) for value in different.to_pylist()]
        found = np.empty(len(shared) + 1, dtype=object)
        found[:-1] = shared
        places = compute.fill_null(values.indices, len(shared)) if values.null_count else values.indices
        self.nbytes += 8 * len(values)
        self._parts.append(pd.Series(found[places.to_numpy(zero_copy_only=False).astype(np.int64)], dtype=object))

    def whole(self) -> pd.Series:
        """All rows."""
        return pd.concat(self._parts, ignore_index=True) if self._parts else pd.Series(dtype=object)

    def _shared(self, value: Any) -> Any:
        if value not in self._known:
            self._known[value] = value
            self.nbytes += len(value) if isinstance(value, (str, bytes)) else 8
        return self._known[value]


def _too_large(name: str, rows: int, size: int) -> DataError:
    return DataError(
        "{name} has {rows:,} rows, {size:.1f} GB unpacked.",
        "At most {most:,} rows and {gigabytes:.0f} GB are read: take a sample of it.",
        name=name,
        rows=rows,
        size=size / 1e9,
        most=MOST_ROWS,
        gigabytes=MOST_BYTES / 1e9,
    )
