"""Data that would take a hundred gigabytes or a minute costs a sentence, within bounds of memory and time."""

import io
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from freezecore.datasets import LONGEST_TEXT, MOST_COLUMNS
from freezecore.errors import DataError
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.pictures import ZipPictures
from freezecore.runtime.data.read import read
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

MOST_BYTES, MOST_S = 900 * 2**20, 30.0


def asked(path, **options) -> ProbeRequest:
    return ProbeRequest(ModelSource("config", "bert"), FreezeSpec(), str(path), **options)


@pytest.fixture(autouse=True)
def bounded():
    """What Python and arrow take while a test runs, and its time."""
    began, before = time.process_time(), pyarrow.total_allocated_bytes()
    tracemalloc.start()
    yield
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < MOST_BYTES and pyarrow.total_allocated_bytes() - before < MOST_BYTES
    assert time.process_time() - began < MOST_S


def test_rows_that_share_one_long_text_share_its_memory(tmp_path):
    """A few kilobytes that are ten gigabytes as a table."""
    rows, path = 100_000, tmp_path / "bomb.parquet"
    long = pyarrow.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pyarrow.array(["lorem " * 20_000]))
    extra = pyarrow.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pyarrow.array(["x" * 1_000_000]))
    labels = pyarrow.array(np.arange(rows) % 2)
    parquet.write_table(pyarrow.table({"text": long, "label": labels, "other": extra}), path, compression="zstd")
    assert path.stat().st_size < 200_000
    raw = read(asked(path, train_size=100, test_size=50))
    assert len(raw.texts) == rows and {len(text) for text in raw.texts} == {LONGEST_TEXT}
    assert raw.choices == ("text", "label", "other")
    assert any("longer than" in note for note in raw.notes)


def test_lists_that_stand_for_billions_of_numbers_are_not_read(tmp_path):
    rows, path = 200, tmp_path / "lists.parquet"
    values = pyarrow.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * 50_000, np.zeros(rows * 50_000))
    table = {"text": [f"sentence {i}" for i in range(rows)], "label": np.arange(rows) % 2, "more": values}
    parquet.write_table(pyarrow.table(table), path, compression="zstd")
    assert read(asked(path, train_size=100, test_size=50)).choices == ("text", "label", "more")


def test_distinct_texts_beyond_the_bound_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("freezecore.runtime.data.parquet.MOST_BYTES", 100_000)
    frame = pd.DataFrame({"text": [f"{i}" * 500 for i in range(1_000)], "label": [0, 1] * 500})
    frame.to_parquet(tmp_path / "large.parquet")
    with pytest.raises(DataError, match="large.parquet has 1,000 rows"):
        read(asked(tmp_path / "large.parquet"))


def test_a_table_is_the_same_from_parquet_as_from_csv(tmp_path):
    """Also with gaps in columns that are not asked about."""
    frame = pd.DataFrame(
        {"text": [f"sentence {i % 30}" for i in range(60)], "label": ["a", "b"] * 30, "comment": [None, "x"] * 30}
    )
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    one, other = (read(asked(tmp_path / f"t.{kind}", text="text")) for kind in ("parquet", "csv"))
    assert (one.texts, one.classes, one.choices) == (other.texts, other.classes, other.choices)
    assert one.targets.tolist() == other.targets.tolist()


@pytest.mark.parametrize("ending", ["csv", pytest.param("tsv", marks=pytest.mark.slow), "parquet"])
def test_a_million_columns_are_counted_and_not_read(tmp_path, ending):
    path = tmp_path / f"wide.{ending}"
    if ending == "parquet":
        names = [f"c{i}" for i in range(MOST_COLUMNS + 10)]
        parquet.write_table(pyarrow.table({name: [1] for name in names}), path)
    else:
        separator = {"csv": ",", "tsv": "\t"}[ending]
        path.write_text("\n".join(separator.join(f"c{i}" for i in range(10**6)) for _ in range(4)))
    with pytest.raises(DataError, match=r"[\d,]+ columns"):
        read(asked(path))


def _lying(real: int, told: int, method: int) -> bytes:
    """A zip of a picture and zeros behind it, whose headers say that it unpacks to little."""
    made = io.BytesIO()
    Image.new("RGB", (8, 8)).save(made, "PNG")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a/1.png", made.getvalue() + bytes(real))
    size = struct.pack("<I", len(made.getvalue()) + real)
    return file.getvalue().replace(size, struct.pack("<I", told))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_whose_header_lies_unpacks_to_no_more_than_it_says(tmp_path, method):
    (tmp_path / "lies.zip").write_bytes(_lying(300 * 2**20, 1_000, method))
    tracemalloc.reset_peak()
    with pytest.raises(DataError, match="cannot be read as a picture"):
        ZipPictures(tmp_path / "lies.zip", ("a/1.png",)).at([0], 8)
    assert tracemalloc.get_traced_memory()[1] < 330 * 2**20, "of which the test itself made 300"
