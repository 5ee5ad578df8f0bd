"""A Hugging Face data set by its id, through `datasets` where that is installed; rows only, never its code."""

from __future__ import annotations

from itertools import islice

from freezecore.datasets import HUB, TEST_SIZE, TRAIN_SIZE
from freezecore.errors import DataError, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.samples import Raw
from freezecore.runtime.data.table import from_frame

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
    import pandas as pd

    table = pd.DataFrame(rows)
    return from_frame(table, tuple(map(str, table.columns)), shortened(name), request)
