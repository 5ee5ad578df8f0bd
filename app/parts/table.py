"""A table whose rows can be picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import streamlit as st

Item = TypeVar("Item")
HEADER, ROW = 38, 35  # pixels


def pick_rows(
    items: Sequence[Item],
    rows: Sequence[dict],
    *,
    key: str,
    highest: int,
    several: bool = False,
    columns: Mapping[str, object] | None = None,
) -> list[Item]:
    """Draw a row for each item; the items whose rows are picked.

    Args:
        highest: pixels beyond which it scrolls.
        several: whether more than one may be picked.
        columns: Streamlit's column settings by name.
    """
    picked = st.dataframe(
        list(rows),
        hide_index=True,
        height=min(highest, HEADER + ROW * len(rows)),
        key=key,
        on_select="rerun",
        selection_mode="multi-row" if several else "single-row",
        column_config=columns,
    )
    return [items[i] for i in picked["selection"]["rows"] if i < len(items)]
