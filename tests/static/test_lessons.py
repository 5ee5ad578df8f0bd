"""The lessons of the page without a server: the server's texts and verdicts, on recorded results and a reader's own."""

import json
import random

import pytest

from app.service import lesson_texts
from app.service.lessons import BY_KEY, LESSONS
from app.text import LANGUAGES, Words
from static import answers, recorded
from static.class_codes import Answers
from static.lessons import is_measured_here

KEYS = list(BY_KEY)


def ask(view: str, query: str, **more) -> dict:
    return json.loads(answers.answer(json.dumps({"do": "view", "view": view, "query": query, **more})))


def hits(count: int, size: int = 400) -> dict:
    return {"scores": "1" * count + "0" * (size - count), "training": 1.0, "seconds": 2.0}


@pytest.mark.parametrize("key", KEYS)
def test_every_run_of_a_lesson_was_recorded_and_its_layers_are_there(key):
    lesson, kept = BY_KEY[key], recorded.results()[key]
    assert list(kept["runs"]) == [run.name for run in lesson.runs]
    for run, mask, result in zip(lesson.runs, lesson.masks(recorded.tree_of), recorded.of_lesson(lesson), strict=True):
        assert result["state"] == "done", run.name
        if lesson.data == "shapes":  # how many classes the texts have depends on what is installed
            assert result["trainable"] == mask.trainable, run.name
        scores = result["per_sample"]
        assert sum(scores) / len(scores) == pytest.approx(result["accuracy_after"], abs=1e-4)
        assert all(result.get(name) is not None for name in set(lesson.shows) - {"buffers"})
    assert kept["when"] and kept["cpu"] and kept["versions"]["torch"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_lesson_that_was_shown_says_what_the_server_says_of_the_same_results(lang):
    words = Words(lang)
    for lesson in LESSONS:
        guess = lesson.guesses[0]
        told = ask("lesson", f"lesson={lesson.key}&lang={lang}", notes={"guess": guess, "shown": True, "before": "a"})
        results = recorded.of_lesson(lesson)
        found = lesson.verdict(results)
        assert told["results"]["verdict"][0] == lesson_texts.judged(lesson, guess, found, words)[1]
        assert told["results"]["showed"][1] == words(
            f"lesson.{lesson.key}.showed", **lesson_texts.figures(lesson, results, words)
        )
        assert told["guess"]["fixed"] and told["before"]["fixed"] and told["next"]
        assert len(told["drawn"]["figure"]["data"][1]["x"]) == len(lesson.runs)


def test_before_the_guess_nothing_that_was_measured_is_told():
    for lesson in LESSONS:
        told = ask("lesson", f"lesson={lesson.key}")
        assert told["results"] is None and told["drawn"]["figure"]["data"][1]["x"] == []


def test_a_browser_measures_new_heads_on_the_pretrained_body_and_nothing_else():
    here = {lesson.key: [run.name for run in lesson.runs if is_measured_here(lesson, run)] for lesson in LESSONS}
    assert here == {
        "enough": ["head"], "race": ["head_high", "head_middle", "head_low"], "moves": ["hold", "small_hold"],
        "twenty": ["head"], "position": [], "bert": [], "adapter": [],
    }  # fmt: skip
    asked = {run["name"]: run for run in ask("lesson", "lesson=race")["runs"]}
    assert [run["rate"] for run in asked.values()] == [5e-3, 5e-4, 5e-5]
    assert {(run["steps"], run["batch"], run["train"], run["test"]) for run in asked.values()} == {(40, 32, 300, 400)}
    assert ask("lesson", "lesson=enough")["runs"][0]["rate"] == 1e-2  # as the server's own default


def test_the_readers_own_result_decides_and_is_told_as_such():
    notes = {"guess": "all", "shown": True, "own": {"head": hits(200)}}
    told = ask("lesson", "lesson=enough", notes=notes)["results"]
    rows = told["table"]["rows"]
    assert rows[0][1] == "0.500" and [row[-1] for row in rows] == ["in your browser", "recorded", "recorded"]
    assert told["kind"] == "right"  # half right lies below what everything was recorded at


@pytest.mark.parametrize(
    "notes",
    [
        None, [], "x", {"guess": "nothing", "shown": True}, {"guess": ["same"]}, {"before": 3, "after": {}},
        {"guess": "same", "shown": True, "own": []}, {"guess": "same", "shown": True, "own": {"head": hits(3, 5)}},
        {"guess": "same", "shown": True, "own": {"head": {"scores": "2" * 400, "training": 1, "seconds": 1}}},
        {"guess": "same", "shown": True, "own": {"all": hits(400)}},
    ],
)  # fmt: skip
def test_notes_that_a_browser_kept_wrongly_are_left_out(notes):
    told = ask("lesson", "lesson=enough", notes=notes)
    if told["results"]:
        assert {row[-1] for row in told["results"]["table"]["rows"]} == {"recorded"}


def test_a_link_with_everything_wrong_opens_the_first_lesson_and_says_what_was_ignored():
    told = ask("lesson", "lesson=nothing&guess=nothing&class=%2F&card=x&lang=en")
    assert told["lesson"] == "enough" and told["guess"]["value"] is None
    assert "class" in told["ignored"] and "card" in told["ignored"]


def test_what_a_student_hands_over_is_what_the_teacher_reads():
    notes = {
        "enough": {"guess": "same", "before": "b", "shown": True, "own": {"head": hits(381)}},
        "race": {"guess": "all"},
    }
    asked = {"do": "codes", "query": "", "notes": {**notes, "nothing": {}, "moves": {}}, "mark": "k3f9", "name": "Mia"}
    codes = json.loads(answers.answer(json.dumps(asked)))["codes"]
    assert codes == [
        Answers(BY_KEY["enough"], "same", "b", "", {"head": 381}, "k3f9", "Mia").code,
        Answers(BY_KEY["race"], "all", mark="k3f9", name="Mia").code,
    ]
    told = ask("board", "lesson=enough", text="\n".join(codes))
    assert told["blocks"][0]["text"].startswith("**Students: 1.**")
    assert told["blocks"][-1]["rows"] == [["Mia", "✓", "–", "About the same", "0.953", "–", "–"]]


def test_a_class_is_counted_charted_and_written_as_csv():
    draw, lesson = random.Random(3), BY_KEY["enough"]
    given = []
    for number in range(30):
        said, count = [draw.choice(one) for one in (lesson.guesses, "ab", "ab")], draw.randint(300, 390)
        given.append(Answers(lesson, *said, {"head": count}, f"m{number}", "" if number else "=Mia"))
    told = ask("board", "lesson=enough", text=" ".join(one.code for one in given) + " fx1-cut-off")
    problem, counted, beside, *_, table = told["blocks"]
    assert "1 (fx1-cut-off)" in problem["problem"] and "Students: 30." in counted["text"]
    votes, results = (block["figure"]["data"][0] for block in beside["of"])
    assert votes["x"] == [sum(one.guess == guess for one in given) for guess in lesson.guesses]
    own = [one.accuracies["head"] for one in given]
    assert results["x"][:30] == own and len(results["x"]) == 32  # and what was recorded of the two other runs
    assert [row[0] for row in table["rows"]] == ["=Mia", *(str(number) for number in range(2, 31))]
    lines = told["csv"].removeprefix("\ufeff").splitlines()
    assert len(lines) == 1 + 30 * len(lesson.runs) and lines[1].startswith("'=Mia,enough,")  # no formula


@pytest.mark.parametrize(("text", "said"), [("", 0), ("hello", 1)])
def test_a_text_without_codes_is_told_and_no_text_is_not(text, said):
    assert len(ask("board", "lesson=race", text=text)["blocks"]) == said
