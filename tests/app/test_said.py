"""What freezecore said, told by the page in the visitor's language, values and all."""

import pickle

import pytest

from app.text import Words
from freezecore.errors import FreezeError, ProbeError, RuleError, did_you_mean
from freezecore.sentences import clause, dumps, joined, loads, say, unpacked

LATE = say(
    "{doing} took longer than {limit} and was stopped.",
    doing=say("Opening '{name}'", name="timm:x"),
    limit=say("{seconds:.3g} s", seconds=60.0),
)


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        (say("There is no run '{token}'.", token="ab{c}"), "実行 'ab{c}' はありません。"),
        (LATE, "'timm:x' を開く処理に 60 秒以上かかったため、止めました。"),
        (
            joined([say("Check the path."), say("It is empty, oddly.")], " "),
            "パスを確かめてください。It is empty, oddly.",
        ),
        (did_you_mean("had", ["head"]), "もしかして 'head' ですか？"),
        (did_you_mean("hea", ["head", "heat"]), "もしかして 'heat'、'head' ですか？"),
        (say("{first} and {last}", first=joined(["a", "b"]), last="c"), "a、b、c"),
        (say("There is no file '{name}'.", name="text"), "'text' というファイルはありません。"),
        (say("{why}.", why=clause(say("'{text}' is nested too deeply.", text="("))), "'(' は入れ子が深すぎます。"),
        ("Check the path.", "パスを確かめてください。"),
        ("Nobody ever said this.", "Nobody ever said this."),
    ],
)
def test_values_stand_in_the_sentence_of_the_language(english, japanese):
    assert Words("ja").said(english) == japanese
    assert Words("en").said(english) == english


@pytest.mark.parametrize("keep", [lambda text: loads(dumps(text)), lambda text: pickle.loads(pickle.dumps(text))])
def test_a_sentence_that_was_kept_is_told_like_the_first(keep):
    kept = keep(LATE)
    assert kept == LATE == "Opening 'timm:x' took longer than 60 s and was stopped."
    assert Words("ja").said(kept) == Words("ja").said(LATE)


def test_an_error_fills_the_same_values_into_both_its_sentences():
    error = pickle.loads(
        pickle.dumps(RuleError("'{verb}' says nothing.", "Say '{verb} all'.", position=3, verb="freeze"))
    )
    assert (str(error), error.position) == ("'freeze' says nothing. Say 'freeze all'.", 3)
    assert Words("ja").said(error.problem) == "'freeze' だけでは何も決まりません。"


def test_a_hint_with_braces_of_its_own_is_left_alone():
    error = FreezeError("There is no class '{token}'.", did_you_mean("{x", ["{x}"]), token="{}")
    assert str(error) == "There is no class '{}'. Did you mean '{x}'?"
    assert ProbeError("It has {braces}.").problem == "It has {braces}."


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (0.12, "0.12 s", "0.12 秒"),
        (60, "1 min", "1 分"),
        (948, "15 min 48 s", "15 分 48 秒"),
        (None, "unknown", "不明"),
    ],
)
def test_a_time_is_told_in_the_units_of_the_language(seconds, english, japanese):
    assert Words("en").seconds(seconds) == english
    assert Words("ja").seconds(seconds) == japanese


@pytest.mark.parametrize("template", ["{x.__class__}", "{x[0]}", "{x:>99999999}", "{x!r}", "{", 7])
def test_what_another_process_answers_is_filled_in_only_where_its_template_reaches_nothing(template):
    kept = {"say": template, "with": {"x": 1}}
    assert unpacked(kept) is kept


@pytest.mark.parametrize("name", ["A100 40", "L4", "RTX 3060", "H100", "8-bit", "ndarray", "int", "OrderedDict"])
def test_a_name_that_opens_with_a_vowel_when_read_takes_an(name):
    assert say("This is a {name}, {what}.", name=name, what="a T4") == f"This is an {name}, a T4."
    assert Words("en")("cost.fits", card=name) == f"Fits on an {name}?"


@pytest.mark.parametrize("name", ["T4", "P100", "V100", "UNet", "uint8", "UserDict", "list", "NoneType", "Mask"])
def test_another_takes_a(name):
    assert say("A '{name}' is a {name}.", name=name) == f"A '{name}' is a {name}."
