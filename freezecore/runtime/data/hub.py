"""A Hugging Face data set by its id, through `datasets` where that is installed; rows only, never its code."""

from __future__ import annotations

from itertools import islice

from freezecore.datasets import HUB, OF_TOKENS, TEST_SIZE, TRAIN_SIZE
from freezecore.errors import DataError, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.samples import Raw
from freezecore.runtime.data.table import from_frame
from freezecore.runtime.quiet import hub_quiet

SHUFFLED = 10_000  # rows that a stream is shuffled over: many sets are sorted by label


def read_hub(name: str, request: ProbeRequest) -> Raw:
    """Rows of the data set's first split, streamed: only what a probe uses is fetched.

    Raises:
        DataError: `datasets` is not installed, or the data set cannot be had or read.
    """
    wanted = name.removeprefix(HUB)
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            "Reading '{name}' needs the package 'datasets', which is not installed here.",
            "Install it (pip install datasets), or download the data as CSV or Parquet and choose the file.",
            name=shortened(name),
        ) from error
    count = (request.train_size or TRAIN_SIZE) + (request.test_size or TEST_SIZE)
    path, _, config = wanted.partition(":")
    try:
        with hub_quiet():
            stream = datasets.load_dataset(path, config or None, split="train", streaming=True)
            rows = list(islice(stream.shuffle(seed=0, buffer_size=SHUFFLED), count))
    except Exception as error:  # the library's own errors, the network's, and a broken file's have no common base
        cause = shortened(" ".join(str(error).split()), 120)
        raise DataError(
            "The data set '{wanted}' is not available ({kind}: {cause}).",
            "Check its name and the network, or download it as CSV or Parquet and choose the file.",
            wanted=shortened(wanted),
            kind=type(error).__name__,
            cause=cause,
        ) from error
    if request.source.task in OF_TOKENS:
        from freezecore.runtime.data.language import rows_of_tokens

        return rows_of_tokens([_named(row, stream.features) for row in rows], shortened(name), request)
    import pandas as pd

    table = pd.DataFrame(rows)
    return from_frame(table, tuple(map(str, table.columns)), shortened(name), request)


def _named(row: dict, features: dict | None) -> dict:
    """The row with its lists of class numbers as names, where the data set tells them."""
    found = {}
    for column, value in row.items():
        names = getattr(getattr((features or {}).get(column), "feature", None), "names", None)
        found[column] = [names[i] for i in value] if names and isinstance(value, list) else value
    return found
