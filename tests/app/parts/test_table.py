"""Tables: what is not known is a dash, and a number is written in one way wherever it stands."""

import ast
from pathlib import Path

import pytest

from app.parts.table import UNKNOWN, formatted
from app.text import LANGUAGES, Words
from freezecore.report import accuracy_text, bytes_text, count_text, number_text

PARTS = Path(__file__).parents[3] / "app" / "parts"


def cells(rows, texts=None) -> list[list[str]]:
    shown = formatted(rows, texts)._translate(True, True)["body"]
    return [[cell["display_value"] for cell in row if cell["type"] == "td"] for row in shown]


def test_no_cell_says_none():
    rows = [{"a": None, "b": 1.5, "c": "x"}, {"a": 7, "b": None, "c": None}]
    shown = cells(rows, {"a": "{:.0f}", "b": accuracy_text})
    assert shown == [[UNKNOWN, "1.500", "x"], ["7", UNKNOWN, UNKNOWN]]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_number_is_written_in_one_way(lang):
    words = Words(lang)
    row = {"peak": 2_640_000_000, "step": 0.00371, "rate": 5e-05, "count": 109_482_240}
    texts = {"peak": bytes_text, "step": words.seconds, "rate": number_text, "count": count_text}
    assert cells([row], texts) == [["2.64 GB", words.seconds(0.00371), "0.00005", "109 M"]]
    assert words.seconds(0.00371).startswith("3.71 ")


def test_a_column_is_sorted_by_its_values_and_not_by_their_texts():
    table = formatted([{"peak": 9_000_000}, {"peak": 10_000_000_000}], {"peak": bytes_text})
    assert list(table.data["peak"]) == [9_000_000, 10_000_000_000]


def test_every_table_of_the_page_says_what_stands_for_nothing():
    bare = []
    for file in PARTS.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "dataframe":
                given = {keyword.arg for keyword in node.keywords}
                if "placeholder" not in given:
                    bare.append(f"{file.name}:{node.lineno}")
    assert bare == []
