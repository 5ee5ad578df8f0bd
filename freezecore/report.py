"""Words for numbers: the one place where bytes, counts and seconds become text, for the page and the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from freezecore.errors import WorkloadError, shortened
from freezecore.sentences import say

UNKNOWN = say("unknown")
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def bytes_text(count: int | None) -> str:
    """`1.9 GB`, `512 MB`, `0 B`: decimal units, three digits; a minus sign is kept."""
    if count is None:
        return UNKNOWN
    return _scaled(count, 1000, ("B", "kB", "MB", "GB", "TB", "PB"))


def count_text(count: int | None) -> str:
    """`11.7 M`, `513 k`, `62`: for headlines; tables show all digits."""
    if count is None:
        return UNKNOWN
    return _scaled(count, 1000, ("", "k", "M", "B", "T")).strip()


def flops_text(count: int | None) -> str:
    """`3.6 GFLOP`: a count of operations, one multiply-add being two."""
    if count is None:
        return UNKNOWN
    return _scaled(count, 1000, ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"))


def seconds_text(seconds: float | None) -> str:
    """`3.71 ms`, `0.12 s`, `48 s`, `3 min 20 s`, `27 h 50 min`."""
    if seconds is None:
        return UNKNOWN
    if 0 < seconds < 0.0995:
        return say("{milliseconds:.3g} ms", milliseconds=1000 * seconds)
    if seconds < 60:
        return say("{seconds:.3g} s", seconds=seconds)
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        hours, minutes = divmod(round(seconds / 60), 60)
        return say("{hours} h {minutes} min" if minutes else "{hours} h", hours=hours, minutes=minutes)
    return say("{minutes} min {rest} s" if rest else "{minutes} min", minutes=minutes, rest=rest)


def number_text(value: float | None, digits: int = 6) -> str:
    """`0.00005`, never `5e-05`: at most so many digits that count."""
    return UNKNOWN if value is None else format(Decimal(f"{value:.{digits}g}"), "f")


def share_text(part: float, whole: float) -> str:
    """`4.4 %`; small shares keep a digit (`0.02 %`); only nothing is `0 %`, and only all of it `100 %`."""
    if not whole:
        return UNKNOWN
    percent = 100 * part / whole
    if percent == 0 or percent >= 100:
        return f"{percent:.0f} %"
    return f"{min(percent, 99.9):.1f} %" if percent >= 0.1 else f"{percent:.1g} %"


def change_text(value: float | None, reference: float | None) -> str:
    """`−48 %` or `+3 %` against a reference: signed, so that it reads one way only; only nothing left is `−100 %`."""
    if value is None or reference is None or value and not reference:
        return UNKNOWN
    if not reference:
        return "±0 %"
    percent = 100 * (value - reference) / reference
    if -100 < percent < -99:
        return f"−{min(-percent, 99.9):.1f} %"
    rounded = round(percent)
    return "±0 %" if rounded == 0 else f"{'−' if rounded < 0 else '+'}{abs(rounded)} %"


def accuracy_text(accuracy: float | None, interval: tuple[float, float] | None = None) -> str:
    """`0.957 (0.940–0.970)`."""
    if accuracy is None:
        return UNKNOWN
    return f"{accuracy:.3f}" + (f" ({interval[0]:.3f}–{interval[1]:.3f})" if interval else "")


def metric_text(metric: str | None, value: float | None, interval: Sequence[float] | None = None) -> str:
    """`0.957 (0.940–0.970)`; a perplexity, which may be in the thousands, `48.3` or `1,525`."""
    if value is None:
        return UNKNOWN

    def one(number: float) -> str:
        if metric != "perplexity":
            return f"{number:.3f}"
        return f"{number:,.0f}" if number >= 1_000 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"

    return one(value) + (f" ({one(interval[0])}–{one(interval[1])})" if interval else "")


def bytes_from_text(text: str) -> int:
    """`16GB` is 16·10⁹ bytes, `16GiB` is 16·2³⁰.

    Raises:
        WorkloadError: the text is no amount of memory.
    """
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*([kmgt]i?|)b?\s*", text.lower())
    if not match or not float(match[1]):
        raise WorkloadError(
            "'{text}' is no amount of memory.", "Write something like 16GB or 14.6GiB.", text=shortened(text)
        )
    return round(float(match[1]) * UNITS[match[2]])


def table(header: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[int] = ()) -> str:
    """Aligned columns for a terminal; `right` lists the columns that hold numbers."""
    body = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in (list(header), *body)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, body)])


def html_table(
    header: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[int] = (), below: Iterable[str] = ()
) -> str:
    """The same for a notebook, with lines of text below it."""

    def line(cells: Sequence[object], tag: str) -> str:
        sides = ["right" if i in right else "left" for i in range(len(cells))]
        pairs = zip(cells, sides, strict=True)
        return (
            "<tr>"
            + "".join(f'<{tag} style="text-align:{side}">{escape(str(c))}</{tag}>' for c, side in pairs)
            + "</tr>"
        )

    body = "".join(line(row, "td") for row in rows)
    lines = "".join(f"<div>{escape(text)}</div>" for text in below if text)
    return f"<table><thead>{line(header, 'th')}</thead><tbody>{body}</tbody></table>{lines}"


def _scaled(count: float, step: int, units: Sequence[str]) -> str:
    size, unit = abs(float(count)), 0
    while unit < len(units) - 1 and float(f"{size:.3g}") >= step:
        size, unit = size / step, unit + 1
    digits = f"{size:.0f}" if unit == 0 or size >= 100 else f"{size:.3g}"
    return f"{'−' if count < 0 else ''}{digits} {units[unit]}"
