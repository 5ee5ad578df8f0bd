"""YAML text: any text reads back, and no file runs code, grows without limit, or ends in a traceback."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from freezecore.errors import ExportError
from freezecore.yaml_text import DEEPEST, LARGEST, read_yaml, scalar

ODD = ["", "no", "Y", "1", "1e3", ".5", ".inf", "- a", "a: b", "a #", "&a", "*a", "!!x", "~", "a\u2028b", "it's", 'q"q']


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(ODD), st.sampled_from("'\""))
@settings(deadline=None)
def test_a_scalar_reads_back_in_a_list_and_on_either_side_of_a_colon(text, quote):
    said = scalar(text, quote)
    assert yaml.safe_load(f"- {said}") == [text]
    assert yaml.safe_load(f"{said}: {said}") == {text: text}
    assert read_yaml(f"k: {said}") == {"k": text}


@pytest.mark.parametrize("text", ["layer1.0.conv1.weight", "some/model-7b", "./my folder/x", "../x"])
def test_names_and_paths_stand_plain(text):
    assert scalar(text) == text


def test_the_quotes_are_the_caller_s_where_the_text_allows():
    assert [scalar("a: b"), scalar("a: b", "'"), scalar("é", "'")] == ['"a: b"', "'a: b'", '"é"']


@pytest.mark.parametrize(
    "text",
    ["a: 'x", "\x00", "a: !!python/name:os.system x", "a: 2024-13-45", "a: !!timestamp x", "a: !!bool x", "? [a]\n: 1"],
)
def test_what_is_no_yaml_is_refused_in_a_sentence(text):
    with pytest.raises(ExportError, match="This YAML cannot be read"):
        read_yaml(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &b [x]\nc: *b", "This YAML uses the alias '*b'."),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), f"This YAML is nested more than {DEEPEST} deep."),
        ("[" * 100_000, f"This YAML is nested more than {DEEPEST} deep."),
        ("a" * (LARGEST + 1), f"The file has {LARGEST + 1:,} characters; {LARGEST:,} are the most a spec can have."),
    ],
)
def test_what_could_take_all_memory_is_refused_before_it_is_built(text, problem):
    with pytest.raises(ExportError) as refused:
        read_yaml(text)
    assert refused.value.problem == problem


def test_what_lies_at_the_limit_is_read():
    assert read_yaml("[" * DEEPEST + "]" * DEEPEST)


@given(st.text(max_size=60) | st.text("[]{}:,-&*!? \n'\"0x.", max_size=60))
@settings(deadline=None)
def test_any_text_is_read_or_refused_in_a_sentence(text):
    try:
        read_yaml(text)
    except ExportError as refused:
        assert refused.problem
