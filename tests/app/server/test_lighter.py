import pandas
import pytest
from streamlit import dataframe_util
from streamlit.components.v2.bidi_component import serialization
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

from app.server import lighter

COLUMN = pandas.Series([1])
PLAIN = [
    None,
    True,
    1,
    1.5,
    "text",
    (),
    [],
    [1, "a"],
    [[1], [2]],
    [{"a": 1}],
    {},
    {"a": 1},
    {"a": [1]},
    {"a": {"b": 1}},
]
TABLES = [{"a": COLUMN}, COLUMN, pandas.DataFrame({"a": [1]}), COLUMN.to_numpy()]
OTHERS = [{"a": COLUMN, "b": None}, b"x", {1}, object()]


@pytest.mark.parametrize("value", [*PLAIN, *TABLES, *OTHERS])
def test_what_goes_to_a_component_is_a_table_where_it_was_one(monkeypatch, value):
    monkeypatch.setattr(serialization, "is_dataframe_like", dataframe_util.is_dataframe_like)
    lighter.pass_plain_values()
    assert serialization.is_dataframe_like(value) == dataframe_util.is_dataframe_like(value)


def test_plain_values_are_not_looked_at(monkeypatch):
    monkeypatch.setattr(serialization, "is_dataframe_like", None)  # calling it fails
    lighter.pass_plain_values()
    assert not any(map(serialization.is_dataframe_like, PLAIN))


def test_themes_stay_what_they_are(monkeypatch):
    read = app_session._populate_theme_msg
    monkeypatch.setattr(app_session, "_populate_theme_msg", read)
    lighter.read_themes_once()
    for section in ("theme", "theme.dark", "theme.dark"):
        known, real = CustomThemeConfig(), CustomThemeConfig()
        app_session._populate_theme_msg(known, section)
        read(real, section)
        assert known == real
