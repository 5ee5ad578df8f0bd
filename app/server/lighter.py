"""What Streamlit does again at every run of the page, and what comes out the same each time."""

from __future__ import annotations

from functools import cache

from streamlit.components.v2.bidi_component import serialization
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

PLAIN = (type(None), bool, int, float, str, list, tuple, dict)


def read_themes_once() -> None:
    """Streamlit reads six themes from its settings again for each run of the page, a tenth of what a tick takes."""
    read = app_session._populate_theme_msg

    @cache
    def known(section: str) -> CustomThemeConfig:
        theme = CustomThemeConfig()
        read(theme, section)
        return theme

    app_session._populate_theme_msg = lambda theme, section="theme": theme.MergeFrom(known(section))


def pass_plain_values() -> None:
    """Streamlit looks in each value that goes to a component for a table of one of twenty libraries.

    A list is none for it, and a dictionary only where it holds columns; for those it looks on.
    """
    is_table = serialization.is_dataframe_like

    def looks(value: object) -> bool:
        among = value.values() if type(value) is dict else (value,)
        return any(type(one) not in PLAIN for one in among) and is_table(value)

    serialization.is_dataframe_like = looks
