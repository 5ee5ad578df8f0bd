"""Tables: numbers as the page writes them everywhere, a dash where one is not known, and rows that can be picked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from ..text import UNKNOWN

Item = TypeVar("Item")
HEADER, ROW = 38, 35  # pixels


def formatted(rows: Sequence[dict], texts: Mapping[str, Callable] | None = None) -> Styler:
    """Rows whose cells are written by these functions, by column, and are still sorted by their values."""
    return pd.DataFrame(list(rows)).style.format(dict(texts or {}), na_rep=UNKNOWN)


def pick_rows(
    items: Sequence[Item],
    rows: Sequence[dict],
    *,
    key: str,
    highest: int,
    several: bool = False,
    texts: Mapping[str, Callable] | None = None,
) -> list[Item]:
    """Draw a row for each item; the items whose rows are picked.

    Args:
        highest: pixels beyond which it scrolls.
        several: whether more than one may be picked.
        texts: how a column's values are written, by name.
    """
    picked = st.dataframe(
        formatted(rows, texts),
        hide_index=True,
        height=min(highest, HEADER + ROW * len(rows)),
        key=key,
        on_select="rerun",
        selection_mode="multi-row" if several else "single-row",
        placeholder=UNKNOWN,
    )
    return [items[i] for i in picked["selection"]["rows"] if i < len(items)]
