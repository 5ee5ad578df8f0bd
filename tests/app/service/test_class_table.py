import csv
import io

from app.service.class_table import answered, as_csv
from app.service.classes import ClassEntry
from app.service.lessons import BY_KEY

RIGHT = BY_KEY["enough"].checks


def entry(name: str, before: str, after: str, *runs: str) -> ClassEntry:
    return ClassEntry(name, "enough", "head", runs, before, after)


def test_before_and_after_are_counted_of_those_who_answered_both():
    entries = [entry("a", *RIGHT), entry("b", "a", RIGHT[1]), entry("c", "a", "c"), entry("d", RIGHT[0], "")]
    found = answered(entries, BY_KEY["enough"])
    assert (found.both, found.learnt, found.lost, found.neither, found.count) == (1, 1, 0, 1, 3)
    assert (found.right_before, found.right_after) == (1, 2)


def test_the_csv_has_a_line_for_each_run_and_no_cell_is_a_formula():
    measured = {"r1": {"accuracy_after": 0.95, "step_s": 0.1}, "r2": None}
    text = as_csv([entry("=1+1", "b", "a", "r1", "r2"), entry("Yuki", "", "")], measured.get)
    assert text.startswith("\ufeff"), "without it a spreadsheet shows 花 as garbage"
    rows = list(csv.DictReader(io.StringIO(text[1:])))
    assert [(row["nickname"], row["run"], row["accuracy_after"]) for row in rows] == [
        ("'=1+1", "head", "0.95"), ("'=1+1", "all", ""), ("Yuki", "", ""),
    ]  # fmt: skip
    assert (rows[0]["before_right"], rows[0]["after_right"], rows[2]["before_right"]) == ("1", "0", "")
