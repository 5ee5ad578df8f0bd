"""Words for numbers."""

import pytest

from freezecore import report
from freezecore.errors import WorkloadError


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "unknown"),
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (1_949_000_000, "1.95 GB"),
        (999_600, "1 MB"),
        (-48_000_000, "−48 MB"),
        (10**19, "10000 PB"),
    ],
)
def test_bytes_become_words(count, text):
    assert report.bytes_text(count) == text


@pytest.mark.parametrize(("count", "text"), [(62, "62"), (11_689_512, "11.7 M"), (513_000, "513 k"), (None, "unknown")])
def test_counts_become_words(count, text):
    assert report.count_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00371, "3.71 ms"),
        (0.0999, "0.0999 s"),
        (0.1234, "0.123 s"),
        (48, "48 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3599.7, "1 h"),
        (22_310, "6 h 12 min"),
        (100_190, "27 h 50 min"),
        (None, "unknown"),
    ],
)
def test_seconds_become_words(seconds, text):
    assert report.seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(5e-05, "0.00005"), (0.0005, "0.0005"), (1e-06, "0.000001"), (10.0, "10"), (1e6, "1000000")]
)
def test_numbers_have_no_exponent(value, text):
    assert report.number_text(value) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0 %"), (1, "0.0001 %"), (43_890, "4.4 %"), (999_000, "99.9 %"), (999_999, "99.9 %"), (1_000_000, "100 %")],
)
def test_shares_keep_a_digit_when_small(part, text):
    assert report.share_text(part, 1_000_000) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(52, "−48 %"), (103, "+3 %"), (100, "±0 %"), (0.03, "−99.9 %"), (0, "−100 %"), (None, "unknown")],
)
def test_a_change_is_signed(value, text):
    assert report.change_text(value, 100) == text


def test_a_table_aligns_numbers_to_the_right():
    text = report.table(["name", "count"], [["conv1.weight", 9408], ["fc.bias", 1000]], right=[1])
    assert text == ("name          count\n------------  -----\nconv1.weight   9408\nfc.bias        1000")


@pytest.mark.parametrize(
    ("text", "count"),
    [("16GB", 16 * 10**9), ("14.6GiB", round(14.6 * 2**30)), ("512 MB", 512 * 10**6), ("800", 800), ("1k", 1000)],
)
def test_an_amount_of_memory_is_read_as_it_is_written(text, count):
    assert report.bytes_from_text(text) == count


@pytest.mark.parametrize("text", ["", "GB", "-3GB", "0", "1e9", "lots", "9" * 400])
def test_what_is_no_amount_of_memory_is_refused_with_an_example(text):
    with pytest.raises(WorkloadError, match="is no amount of memory. Write something like 16GB"):
        report.bytes_from_text(text)
