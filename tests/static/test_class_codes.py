"""Codes that students hand to their teacher: whole or told as wrong, in whatever text they come."""

import random
from dataclasses import replace

import pytest

from app.service.lessons import BY_KEY, CHOICES, LESSONS
from static.class_codes import Answers, clean_name, read, read_all
from static.lessons import is_measured_here

ENOUGH = BY_KEY["enough"]
MIA = Answers(ENOUGH, "same", "b", "", {"head": 381}, "k3f9", "Mia")


def drawn(draw: random.Random, number: int) -> Answers:
    """Any answers, by a seed."""
    lesson = draw.choice(LESSONS)
    here = [run.name for run in lesson.runs if is_measured_here(lesson, run)]
    hits = {run: draw.randint(0, 400) for run in here[: draw.randint(0, len(here))]}
    name = draw.choice(["", "Mia", "あおい", "李 明", "a-b_c.d,e=f~%", "<script>", "O'Neil", "=1+1", "😀"])
    before, after = (draw.choice(["", *CHOICES]) for _ in range(2))
    return Answers(lesson, draw.choice(lesson.guesses), before, after, hits, f"m{number}", name)


def test_a_code_says_what_went_in_and_is_short():
    assert read(MIA.code) == MIA
    assert MIA.code.startswith("fx1-enough-same-b-0-head=381-k3f9-Mia-")
    assert MIA.accuracies == {"head": 381 / 400}


def test_any_answers_come_back_as_they_were_whatever_text_is_around_their_codes():
    draw = random.Random(23)
    given = [drawn(draw, number) for number in range(200)]
    around = ["{}\n", "> {}, thanks!\n", "<li>{}</li>", "“{}”。", "Mia: {} 👍 ", '"{}";']
    text = "".join(draw.choice(around).format(answers.code) for answers in given)
    found, wrong = read_all(text)
    assert (found, wrong) == (given, [])
    assert max(len(answers.code) for answers in given) < 160


def test_a_code_that_was_changed_anywhere_is_told_as_wrong():
    code, draw = MIA.code, random.Random(5)
    for at in range(4, len(code)):
        changed = code[:at] + draw.choice("abcdef019xyz".replace(code[at], "")) + code[at + 1 :]
        assert read(changed) is None, changed
    assert read_all(f"{code[:-3]} {code}") == ([MIA], [code[:-3]])


@pytest.mark.parametrize("name", ["はると", "小明", "1234田中", ""])
def test_a_code_in_a_sentence_that_sets_no_spaces_is_read(name):
    one = replace(MIA, name=name)
    assert read_all(f"コードは{one.code}です。") == ([one], [])
    assert read_all(f"短码是{one.code}谢谢") == ([one], [])


@pytest.mark.parametrize(
    "lying",
    [
        Answers(ENOUGH, "nothing"),
        Answers(ENOUGH, "same", "x"),
        Answers(ENOUGH, "same", hits={"head": 401}),
        Answers(ENOUGH, "same", hits={"nothing": 3}),
        Answers(ENOUGH, "same", mark="TOO-LONG-A-MARK"),
    ],
    ids=["guess", "before and after", "too many hits", "another run", "mark"],
)
def test_a_code_that_says_what_no_lesson_asks_is_wrong(lying):
    assert read(lying.code) is None


def test_the_last_code_of_a_student_for_a_lesson_counts_and_a_text_without_codes_has_none():
    later = Answers(ENOUGH, "head", "b", "b", {"head": 381}, "k3f9", "Mia")
    other = Answers(BY_KEY["race"], "all", mark="k3f9")
    assert read_all(f"{MIA.code} {other.code} {later.code}")[0] == [later, other]
    assert read_all("no code at all, fx and fx1 aside") == ([], [])
    assert read_all("fx2-enough-same-b-0-head=381-k3f9-Mia-0000")[1] != []


def test_a_name_is_short_and_printable():
    assert clean_name("  a\tb\u0000 " + "x" * 50) == "ab " + "x" * 21
