"""Regular expressions: those people write for layers pass, those that run for ever are refused unread."""

import pytest

from freezecore.errors import RuleError
from freezecore.rules.regexes import compile_bounded

NAME = "bert.encoder.layer.11.attention.self.query.weight"


@pytest.mark.parametrize(
    "text",
    [
        r"^bert\.encoder\.layer\.[0-5]\.",
        r"\.(0|1|2|3|10|11)\.",
        r"layer\.\d+\.attention\..*\.(weight|bias)$",
        r"^(?!classifier)",
        r"(?:\w+\.)+weight",
        r"^([^.]+\.){3}",
        r"(?i)LAYERNORM",
        r".*attention.*query.*",
        r"(query|key|value)\.(weight|bias)",
        r"layer\.\d{1,2}\.",
        r"layers?\.\d+\.(self_attn|mlp)",
        r"(?<!\.self)\.query",
    ],
)
def test_what_people_write_for_layers_is_accepted(text):
    compile_bounded(text).search(NAME)


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+$",
        "(a*)*b",
        "([a-z]+)*x",
        "(a|a)*b",
        "(a|ab|b)*c",
        r"(\w+\w)+\.$",
        r"(\w+)(\d*)+x",
        ".*.*.*.*=",
        "(.*)(.*)(.*)(.*)(.*)x",
        "(a?){25}a{25}",
        "(a|a)" * 30,
        "((a{1,60}){1,60}){1,60}$",
        r"(x+x+)+y",
        r"(?:(?:a+)+)++b",
        r"(?=(a+)+$)",
        r"(.*)\1\1x",
        "(?i)(A+a)+$",
    ],
)
def test_what_could_run_for_ever_is_refused(text):
    with pytest.raises(RuleError, match="for ever"):
        compile_bounded(text)


@pytest.mark.parametrize("text", ["(" * 500, "a{5,2}", "[z-a]", "(?P<x", "\\"])
def test_what_is_no_regular_expression_is_refused_with_its_place(text):
    with pytest.raises(RuleError) as caught:
        compile_bounded(text, at=7)
    assert caught.value.position >= 7


def test_a_very_long_expression_is_refused():
    with pytest.raises(RuleError, match="too long"):
        compile_bounded("a" * 1_001)
