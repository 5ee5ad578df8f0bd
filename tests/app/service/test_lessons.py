import pytest

from app.service.lessons import BY_KEY, LESSONS, Lesson
from app.text import LANGUAGES, sentences


def results(lesson: Lesson, **fields: dict) -> list[dict]:
    """The lesson's results: `fields` by run's name, over a run that ended well."""
    return [{"state": "done", **fields[run.name]} for run in lesson.runs]


def accuracies(**values: float) -> dict[str, dict]:
    return {
        name: {
            "accuracy_after": value,
            "interval": [value - 0.02, value + 0.02],
            "train_accuracy_after": 1.0,
            "step_s": value,
        }
        for name, value in values.items()
    }


RACE = {f"{what}_{rate}": 0.5 for what in ("head", "all") for rate in ("high", "middle", "low")}
TWENTY = {"held": 0.74, "last": 0.79, "head": 0.81}


@pytest.mark.parametrize(
    ("key", "fields", "answer"),
    [
        ("enough", accuracies(head=0.95, all=0.93, random=0.1), "same"),
        ("enough", accuracies(head=0.95, all=0.80, random=0.1), "head"),
        ("enough", accuracies(head=0.80, all=0.95, random=0.1), "all"),
        ("race", accuracies(**{**RACE, "head_high": 0.9, "all_low": 0.6, "all_middle": 0.6}), "depends"),
        ("race", accuracies(**{**RACE, "head_high": 0.9, "head_low": 0.6, "head_middle": 0.6}), "head"),
        ("twenty", accuracies(all=0.55, **TWENTY), "all"),
        ("twenty", accuracies(all=0.85, **TWENTY), "last"),
        ("position", accuracies(stem=0.17, head=0.08, last=0.16), "stem"),
        ("bert", accuracies(all=0.8, embeddings=0.71, five=0.4), "tenth"),
        ("bert", accuracies(all=0.8, embeddings=0.42, five=0.4), "half"),
    ],
)
def test_what_was_measured_says_which_guess_was_right(key, fields, answer):
    assert BY_KEY[key].answer(results(BY_KEY[key], **fields)) == answer


@pytest.mark.parametrize(("still", "answer"), [(147, "none"), (140, "few"), (0, "many")])
def test_buffers_that_moved_are_counted(still, answer):
    held, moved = {"proof": {"buffers": 147}}, {"proof": {"buffers": still}}
    lesson = BY_KEY["moves"]
    assert lesson.answer(results(lesson, hold=held, update=moved, small_hold=held, small_update=moved)) == answer


def test_no_guess_is_right_while_a_run_is_missing():
    lesson = BY_KEY["position"]
    whole = results(lesson, **accuracies(stem=0.17, head=0.08, last=0.16))
    assert [lesson.answer(whole[:2]), lesson.answer([*whole[:2], None])] == [None, None]
    assert lesson.answer([*whole[:2], {**whole[2], "state": "stopped"}]) is None


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.key)
def test_every_run_can_be_asked_for_and_is_named_in_both_languages(lesson):
    for run in lesson.runs:
        assert lesson.request(run).steps <= 60
        for lang in LANGUAGES:
            assert f"lesson.{lesson.key}.run.{run.name}" in sentences(lang)
    for lang in LANGUAGES:
        assert {f"lesson.{lesson.key}.guess.{guess}" for guess in lesson.guesses} <= set(sentences(lang))
