"""The rule language as text: what is read, what is refused and where, and that printing is reading backwards."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freezecore.errors import RuleError
from freezecore.rules.grammar import LONGEST, parse_spec, print_spec
from freezecore.spec import ROLES, FreezeSpec, Phase, Rule, Selector

PATH, KIND = "path", "kind"
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def selectors(text: str) -> list[tuple]:
    """Form, value and tower of each selector of a spec with one rule."""
    (rule,) = parse_spec(text).rules
    return [(s.form, s.value, s.tower) for s in rule.selectors]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("freeze layer1.0", [(PATH, "layer1.0", None)]),
        ("freeze conv1 bn1\tlayer1", [(PATH, "conv1", None), (PATH, "bn1", None), (PATH, "layer1", None)]),
        ("train *.bias", [(PATH, "*.bias", None)]),
        ("train head", [(KIND, "head", None)]),
        ("train path:head", [(PATH, "head", None)]),
        ("freeze kind:embedding kind:block", [(KIND, "embeddings", None), (KIND, "block", None)]),
        ("freeze contains:layer1.0.", [("contains", "layer1.0.", None)]),
        ("freeze contains:a:b", [("contains", "a:b", None)]),
        (r"freeze regex:^encoder\.layer\.[0-5]\.", [("regex", r"^encoder\.layer\.[0-5]\.", None)]),
        ("train type:BatchNorm*", [("type", "BatchNorm*", None)]),
        ("freeze blocks:0-2,5 stages:last1", [("blocks", "0-2,5", None), ("stages", "last1", None)]),
        ("freeze blocks@encoder:first3", [("blocks", "first3", "encoder")]),
        ('freeze contains:"a b; # c"', [("contains", "a b; # c", None)]),
        ('freeze "contains:a b"', [("contains", "a b", None)]),
        ('freeze contains:"say ""yes"""', [("contains", 'say "yes"', None)]),
        ('freeze "odd name"', [(PATH, "odd name", None)]),
        ("freeze 埋め込み", [(PATH, "埋め込み", None)]),
    ],
)
def test_a_selector_is_read_by_its_form(text, expected):
    assert selectors(text) == expected


def test_statements_end_at_semicolons_and_new_lines_and_comments_say_nothing():
    spec = parse_spec("freeze all;train head # the classifier; freeze nothing\r\n\n ; # only this\ntrain norms")
    assert print_spec(spec) == "freeze all; train head; train norms"


def test_settings_are_read_and_only_printed_where_they_differ_from_the_default():
    spec = parse_spec("freeze all\nnorms update; dropout on")
    assert (spec.norms, spec.dropout) == ("update", "on")
    assert print_spec(spec) == "freeze all; norms update; dropout on"
    assert print_spec(parse_spec("norms hold; dropout off")) == ""


@pytest.mark.parametrize("colon", ["2: train", "2 : train", "2 :train", "2:train"])
def test_a_phase_takes_all_rules_below_it(colon):
    spec = parse_spec(f"freeze all; from epoch {colon} blocks:last2; train head; from epoch 4: train all")
    assert spec.phases == (
        Phase(2, (Rule("train", (Selector("blocks", "last2"),)), Rule("train", (Selector("kind", "head"),)))),
        Phase(4, (Rule("train", (Selector("kind", "all"),)),)),
    )
    assert print_spec(spec) == "freeze all; from epoch 2: train blocks:last2; train head; from epoch 4: train all"


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("frieze head", 0, "Did you mean 'freeze'?"),
        ("freeze all; tain head", 12, "Did you mean 'train'?"),
        ("head", 0, "Begin it with 'freeze' or 'train'"),
        ("freeze", 0, "such as 'freeze embeddings'"),
        ("freeze all\ntrain", 11, "such as 'train embeddings'"),
        ("freeze all; train contain:x", 18, "Did you mean 'contains'?"),
        ("freeze wat:x", 7, "path:wat:x"),
        ("freeze layers:0-2", 7, "Write blocks:0-2"),
        ("freeze all; train layer:last2", 18, "Write blocks:0-2"),
        ("freeze class:BatchNorm2d", 7, "type:BatchNorm*"),
        ("unfreeze head", 0, "Did you mean 'train'?"),
        ("freeze contains:", 7, "contains:layer1.0."),
        ('freeze ""', 7, "such as 'layer1'"),
        ("freeze kind:heads", 12, "Did you mean 'head'?"),
        ("freeze blocks:a", 14, "blocks:0-2"),
        ("freeze blocks:3-1", 14, "runs backwards"),
        ("freeze blocks:-1", 14, "blocks:0-2"),
        ("freeze blocks:first0", 14, "blocks:0-2"),
        ("freeze blocks@:0", 7, "blocks:0-2"),
        ("freeze contains@x:0", 7, "blocks@TOWER:"),
        ("freeze regex:a[b", 14, "unterminated character set"),
        ("freeze regex:*.bias", 13, "without 'regex:'"),
        ("freeze regex:(a+)+$", 13, "for ever"),
        ('freeze contains:"a b', 16, "Close it"),
        ("freeze a\x00b", 7, "names nothing"),
        ("norms", 0, "'norms hold' or 'norms update'"),
        ("norms freeze", 6, "'norms hold' or 'norms update'"),
        ("dropout on off", 8, "'dropout off' or 'dropout on'"),
        ("from epoch two: train all", 0, "from epoch 2: train blocks:last2"),
        ("from epoch 2 train all", 0, "from epoch 2: train blocks:last2"),
        ("from epoch -1: train all", 0, "from epoch 2: train blocks:last2"),
        ("from epoch 99999999: train all", 0, "from epoch 2: train blocks:last2"),
        ("freeze all; from epoch 2:", 12, "Write a rule after it"),
        ("from epoch 2: train a; from epoch 2: train b", 34, "in the order they begin"),
        ("from epoch 3: train a; from epoch 2: train b", 34, "in the order they begin"),
        ("from epoch 1: train a; norms update", 23, "above the first 'from epoch'"),
        ("freeze a**b**c**d**e**f", 7, "'**'"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place_with_a_hint(text, position, said):
    with pytest.raises(RuleError) as caught:
        parse_spec(text)
    assert said in str(caught.value)
    assert caught.value.position == position


def test_a_megabyte_of_rules_is_refused_at_once():
    with pytest.raises(RuleError, match=f"{LONGEST:,} are the most"):
        parse_spec("freeze a;" * 120_000)


def test_thousands_of_plain_paths_are_read_but_only_so_many_patterns():
    many = " ".join(f"encoder.layer.{i}.weight" for i in range(5_000))
    assert len(parse_spec(f"freeze {many}").rules[0].selectors) == 5_000
    with pytest.raises(RuleError, match="more than 500 patterns"):
        parse_spec("freeze " + " ".join(f"contains:{i}" for i in range(501)))
    with pytest.raises(RuleError, match="more than 1,000 rules"):
        parse_spec("train all;" * 1_001)
    with pytest.raises(RuleError, match="too long for a path"):
        parse_spec("train " + "a" * 3_000)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
NAMES = TEXT | st.sampled_from(
    ["all", "head", "a b", "x;y", "a#b", 'q"q', "blocks:0", "a:b", "*.bias", "layer1.0", "from"]
)
POSITIONS = st.sampled_from(["0", "0-2", "0,3", "0-2,5,7-9", "first3", "last2"])
SELECTORS = (
    NAMES.map(lambda value: Selector("path", value))
    | NAMES.map(lambda value: Selector("contains", value))
    | NAMES.map(lambda value: Selector("type", value))
    | st.sampled_from([*ROLES, "block", "other"]).map(lambda value: Selector("kind", value))
    | st.sampled_from([r"^a\.[0-9]+", "b|c", "x y"]).map(lambda value: Selector("regex", value))
    | st.builds(Selector, st.sampled_from(["blocks", "stages"]), POSITIONS, st.none() | st.sampled_from(["enc", "a b"]))
)
RULES = st.builds(Rule, st.sampled_from(["freeze", "train"]), st.lists(SELECTORS, min_size=1, max_size=4).map(tuple))
PHASES = st.dictionaries(st.integers(0, 50), st.lists(RULES, min_size=1, max_size=3).map(tuple), max_size=3).map(
    lambda found: tuple(Phase(epoch, found[epoch]) for epoch in sorted(found))
)
SPECS = st.builds(
    FreezeSpec,
    st.lists(RULES, max_size=4).map(tuple),
    st.sampled_from(["hold", "update"]),
    st.sampled_from(["off", "on"]),
    PHASES,
)


@UNHURRIED
@given(SPECS, st.sampled_from(["; ", "\n", " ;\n\n"]))
def test_every_printed_spec_reads_back_the_same(spec, separator):
    assert parse_spec(print_spec(spec, separator)) == spec


@UNHURRIED
@given(st.text(max_size=60))
def test_no_text_makes_the_parser_fail_otherwise_than_with_a_place(text):
    try:
        spec = parse_spec(text)
    except RuleError as error:
        assert error.hint
        assert 0 <= error.position <= len(text)
    else:
        assert parse_spec(print_spec(spec)) == spec
